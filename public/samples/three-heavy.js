// Three hundred lit objects with shadows, each with a mesh and a material of its own, all moving.

import * as THREE from "three/webgpu";

const OBJECTS = 300;

const renderer = new THREE.WebGPURenderer();
renderer.setSize(window.innerWidth, window.innerHeight);
renderer.shadowMap.enabled = true;
document.body.append(renderer.domElement);

const scene = new THREE.Scene();
scene.background = new THREE.Color(0x202833);
const camera = new THREE.PerspectiveCamera(50, window.innerWidth / window.innerHeight, 0.1, 100);
camera.position.set(0, 14, 22);
camera.lookAt(0, 0, 0);

scene.add(new THREE.HemisphereLight(0xddeeff, 0x223344, 1.2));
const sun = new THREE.DirectionalLight(0xffffff, 2.5);
sun.position.set(8, 16, 6);
sun.castShadow = true;
sun.shadow.mapSize.set(1024, 1024);
Object.assign(sun.shadow.camera, { left: -16, right: 16, top: 16, bottom: -16, far: 50 });
scene.add(sun);

const ground = new THREE.Mesh(
  new THREE.PlaneGeometry(40, 40),
  new THREE.MeshStandardMaterial({ color: 0x66707c }),
);
ground.rotation.x = -Math.PI / 2;
ground.receiveShadow = true;
scene.add(ground);

const geometries = [
  new THREE.BoxGeometry(0.7, 0.7, 0.7),
  new THREE.SphereGeometry(0.45, 16, 12),
  new THREE.ConeGeometry(0.45, 0.9, 16),
];
const meshes = Array.from({ length: OBJECTS }, (_, index) => {
  const colour = new THREE.Color().setHSL(index / OBJECTS, 0.7, 0.55);
  const material = new THREE.MeshStandardMaterial({ color: colour, roughness: 0.5 });
  const mesh = new THREE.Mesh(geometries[index % geometries.length], material);
  mesh.castShadow = true;
  mesh.receiveShadow = true;
  scene.add(mesh);
  return mesh;
});

window.addEventListener("resize", () => {
  camera.aspect = window.innerWidth / window.innerHeight;
  camera.updateProjectionMatrix();
  renderer.setSize(window.innerWidth, window.innerHeight);
});

let frame = 0;
await renderer.setAnimationLoop(() => {
  frame += 1;
  const time = frame / 30;
  for (const [index, mesh] of meshes.entries()) {
    const x = (index % 20) - 9.5;
    const z = Math.floor(index / 20) - 7;
    mesh.position.set(x * 1.2, 1 + Math.sin(time + x * 0.7 + z) * 0.5, z * 1.2);
    mesh.rotation.set(time + index, time * 0.7, 0);
  }
  renderer.render(scene, camera);
});
