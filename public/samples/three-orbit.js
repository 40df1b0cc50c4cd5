// A small three.js scene: drag turns the camera, the wheel zooms, the right button pans.
// Space stops and starts the turning, C changes the colours, R puts everything back and holds it.

import * as THREE from "three/webgpu";
import { BasicShadowFilter, checker, color, mix, uv } from "three/tsl";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";

const PALETTES = [
  { sky: 0x24314f, knot: 0xff8a3d, others: [0x4cc9f0, 0xf72585, 0xb8f26b, 0xffd166] },
  { sky: 0x3b2440, knot: 0x6be3c2, others: [0xffb703, 0xef476f, 0x8ecae6, 0xcdb4ff] },
  { sky: 0x18353a, knot: 0xf25f8b, others: [0xffe66d, 0x4ecdc4, 0xff9f6b, 0xa7a5ff] },
];

// Colours as they are written, without conversions: a third cheaper on a GPU that is software.
THREE.ColorManagement.enabled = false;
const renderer = new THREE.WebGPURenderer();
renderer.outputColorSpace = THREE.LinearSRGBColorSpace;
renderer.setPixelRatio(window.devicePixelRatio);
renderer.setSize(window.innerWidth, window.innerHeight);
renderer.shadowMap.enabled = true;
renderer.shadowMap.type = THREE.PCFShadowMap;
document.body.append(renderer.domElement);

const scene = new THREE.Scene();
scene.background = new THREE.Color();

const camera = new THREE.PerspectiveCamera(42, window.innerWidth / window.innerHeight, 0.1, 60);
camera.position.set(6.5, 4.6, 8.5);

const controls = new OrbitControls(camera, renderer.domElement);
controls.target.set(0, 1.2, 0);
controls.enableDamping = true;
controls.dampingFactor = 0.12;
controls.minDistance = 4;
controls.maxDistance = 20;
controls.maxPolarAngle = 1.5;
controls.update();
controls.saveState();

scene.add(new THREE.HemisphereLight(0xcfe0ff, 0x4a3b52, 1.3));
const sun = new THREE.DirectionalLight(0xfff1d6, 2);
sun.position.set(5, 9, 4);
sun.castShadow = true;
sun.shadow.mapSize.set(512, 512);
// One comparison of four texels instead of PCF's twenty: a quarter of the frame's cost on a GPU that is software.
sun.shadow.filterNode = BasicShadowFilter;
sun.shadow.normalBias = 0.03;
Object.assign(sun.shadow.camera, { left: -6, right: 6, top: 6, bottom: -6, near: 1, far: 20 });
scene.add(sun);

// Tiles are computed, since sampling a texture costs a GPU that is software more.
const ground = new THREE.Mesh(
  new THREE.CircleGeometry(4.8, 64),
  new THREE.MeshLambertNodeMaterial(),
);
ground.material.colorNode = mix(color(0xe8ecf4), color(0xa8b0c4), checker(uv().mul(6)));
ground.rotation.x = -Math.PI / 2;
ground.receiveShadow = true;
scene.add(ground);

function addMesh(geometry, x, y, z) {
  const material = new THREE.MeshPhongMaterial({ shininess: 60, specular: 0x555555 });
  const mesh = new THREE.Mesh(geometry, material);
  mesh.position.set(x, y, z);
  mesh.castShadow = true;
  mesh.receiveShadow = true;
  scene.add(mesh);
  return mesh;
}

const knot = addMesh(new THREE.TorusKnotGeometry(0.95, 0.3, 80, 10), 0, 2, 0);
const others = [
  addMesh(new THREE.SphereGeometry(0.7, 32, 16), 3, 0.7, 0),
  addMesh(new THREE.BoxGeometry(1.1, 1.1, 1.1), 0, 0.7, 3),
  addMesh(new THREE.ConeGeometry(0.7, 1.5, 32), -3, 0.75, 0),
  addMesh(new THREE.IcosahedronGeometry(0.8), 0, 0.85, -3),
];

let palette = 0;
function paint() {
  const { sky, knot: colour, others: colours } = PALETTES[palette % PALETTES.length];
  scene.background.set(sky);
  knot.material.color.set(colour);
  for (const [index, mesh] of others.entries()) mesh.material.color.set(colours[index]);
}
paint();

// Seconds of turning, which stands still while the scene is held.
let turned = 0;
let turning = true;

window.addEventListener("keydown", (event) => {
  switch (event.code) {
    case "Space":
      turning = !turning;
      break;
    case "KeyC":
      palette += 1;
      paint();
      break;
    case "KeyR":
      turned = 0;
      turning = false;
      palette = 0;
      paint();
      controls.reset();
      break;
  }
});

window.addEventListener("resize", () => {
  camera.aspect = window.innerWidth / window.innerHeight;
  camera.updateProjectionMatrix();
  renderer.setPixelRatio(window.devicePixelRatio);
  renderer.setSize(window.innerWidth, window.innerHeight);
});

function place() {
  knot.rotation.set(turned * 0.5, turned * 0.7, 0);
  for (const [index, mesh] of others.entries()) {
    const angle = turned * 0.35 + (index * Math.PI) / 2;
    mesh.position.x = 3 * Math.cos(angle);
    mesh.position.z = 3 * Math.sin(angle);
    mesh.rotation.y = -angle * 2;
  }
}

let last;
await renderer.setAnimationLoop((time) => {
  const seconds = (time - (last ?? time)) / 1000;
  last = time;
  if (turning) turned += Math.min(seconds, 0.1);
  place();
  controls.update();
  renderer.render(scene, camera);
});
