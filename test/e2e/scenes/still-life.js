// A lit three.js scene with shadows in which nothing moves: drawn again at each frame, the same each time.
import * as THREE from "three/webgpu";

const renderer = new THREE.WebGPURenderer({ antialias: true });
renderer.shadowMap.enabled = true;
renderer.setSize(window.innerWidth, window.innerHeight);
document.body.append(renderer.domElement);

const scene = new THREE.Scene();
scene.background = new THREE.Color(0x203050);
const camera = new THREE.PerspectiveCamera(50, window.innerWidth / window.innerHeight, 0.1, 50);
camera.position.set(3, 3, 6);
camera.lookAt(0, 0.5, 0);

const sun = new THREE.DirectionalLight(0xffffff, 3);
sun.position.set(2, 5, 3);
sun.castShadow = true;
scene.add(sun, new THREE.AmbientLight(0x8899aa, 1.5));

function add(geometry, color, x, y, z) {
  const mesh = new THREE.Mesh(geometry, new THREE.MeshStandardMaterial({ color, roughness: 0.5 }));
  mesh.position.set(x, y, z);
  mesh.castShadow = true;
  mesh.receiveShadow = true;
  scene.add(mesh);
  return mesh;
}
add(new THREE.PlaneGeometry(8, 8), 0x99a0a8, 0, 0, 0).rotation.x = -Math.PI / 2;
add(new THREE.SphereGeometry(0.8, 48, 32), 0xd04030, -1.2, 0.8, 0);
add(new THREE.BoxGeometry(1, 1.6, 1), 0x3070c0, 0.8, 0.8, -0.4).rotation.y = 0.6;
add(new THREE.ConeGeometry(0.6, 1.4, 32), 0x50a040, 0.4, 0.7, 1.4);

window.addEventListener("resize", () => {
  camera.aspect = window.innerWidth / window.innerHeight;
  camera.updateProjectionMatrix();
  renderer.setSize(window.innerWidth, window.innerHeight);
});
await renderer.setAnimationLoop(() => renderer.render(scene, camera));
