import { FigureKeeper } from "#server/session/session-report.ts";
import type { SessionReport } from "#shared/admin/session-report.ts";

/** What is said of a session that is live, that nobody steered and of which nothing was measured yet. */
export const LIVE_REPORT: SessionReport = {
  ...new FigureKeeper().report(),
  name: "vm",
  state: "live",
  sentence: "The program's picture is live.",
  since: "2026-11-25T12:00:00.000Z",
  profile: "default",
  profileAssigned: false,
  share: { policy: "equal-share", weight: 1 },
  shareAssigned: false,
  exclusive: false,
  kept: false,
  paused: false,
  programs: 1,
  viewers: 0,
};
