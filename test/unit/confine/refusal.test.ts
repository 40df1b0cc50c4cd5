import { expect, test } from "vitest";
import { explainRefusal } from "#server/confine/refusal.ts";

const DENIED = "bwrap: setting up uid map: Permission denied\n";
const LOOPBACK = "bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted\n";
const OPEN = { clone: "1", appArmor: "0", most: "96365" };

test.for([
  {
    when: "Debian's switch is off",
    printed: "bwrap: No permissions to create new namespace\n",
    settings: { ...OPEN, clone: "0" },
    reason: /\(bwrap: No permissions.*\): kernel\.unprivileged_userns_clone is 0$/,
    nextStep: /sysctl kernel\.unprivileged_userns_clone=1\./,
  },
  {
    when: "no namespace is allowed",
    printed: "bwrap: Creating new namespace failed: No space left on device",
    settings: { ...OPEN, most: "0" },
    reason: /user\.max_user_namespaces is 0$/,
    nextStep: /sysctl user\.max_user_namespaces=/,
  },
  {
    when: "Ubuntu's AppArmor forbids the map",
    printed: DENIED,
    settings: { ...OPEN, appArmor: "1" },
    reason: /\(bwrap: setting up uid map: Permission denied\): kernel\.apparmor_restrict_/,
    nextStep: /AppArmor profile.*bwrap-userns-restrict.*apparmor_restrict_unprivileged_userns=0/,
  },
  {
    when: "Ubuntu's AppArmor forbids the loopback",
    printed: LOOPBACK,
    settings: { appArmor: "1" },
    reason: /apparmor_restrict_unprivileged_userns is 1$/,
    nextStep: /AppArmor profile/,
  },
  {
    when: "the kernel allows it and a container does not",
    printed: LOOPBACK,
    settings: OPEN,
    reason: /^bubblewrap does not work \(bwrap: loopback: .*not permitted\)$/,
    nextStep: /In a container.*--security-opt seccomp=unconfined/,
  },
  {
    when: "bubblewrap is old",
    printed: "bwrap: Unknown option --disable-userns\n",
    settings: OPEN,
    reason: /Unknown option --disable-userns/,
    nextStep: /Install bubblewrap 0\.8\.0 or later\./,
  },
  {
    when: "AppArmor restricts, but that is not the cause",
    printed: "bwrap: Unknown option --disable-userns\n",
    settings: { appArmor: "1" },
    reason: /Unknown option/,
    nextStep: /0\.8\.0/,
  },
  {
    when: "it says nothing",
    printed: "",
    settings: {},
    reason: /^bubblewrap does not work$/,
    nextStep: /bwrap --version/,
  },
])("where $when, the sentences name the cause and the fix", (row) => {
  const refusal = explainRefusal(row.printed, row.settings);
  expect(refusal.reason).toMatch(row.reason);
  expect(refusal.nextStep).toMatch(row.nextStep);
});
