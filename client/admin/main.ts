import { AdminPage } from "./admin-page.ts";

new AdminPage().start();
