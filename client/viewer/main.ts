import { Viewer } from "./viewer.ts";

new Viewer().start();
