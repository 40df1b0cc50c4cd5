/** What the kernel says of user namespaces, each as its /proc/sys file has it; absent where it has none. */
export type NamespaceSettings = {
  /** kernel.unprivileged_userns_clone: Debian's. */
  readonly clone?: string;
  /** kernel.apparmor_restrict_unprivileged_userns: Ubuntu's, from 23.10 on. */
  readonly appArmor?: string;
  /** user.max_user_namespaces */
  readonly most?: string;
};

/** Why bubblewrap does not work here, and what to do: two sentences. */
export type Refusal = { readonly reason: string; readonly nextStep: string };

export const NOT_INSTALLED: Refusal = {
  reason: "bubblewrap is not installed",
  nextStep: "Install it: apt install bubblewrap, or the package bubblewrap of another system.",
};

/** From what bubblewrap printed and how the kernel is set. */
export function explainRefusal(printed: string, settings: NamespaceSettings): Refusal {
  const words = printed.trim().split("\n").at(-1)?.trim() ?? "";
  const said = words === "" ? "bubblewrap does not work" : `bubblewrap does not work (${words})`;
  if (settings.clone === "0") {
    return {
      reason: `${said}: kernel.unprivileged_userns_clone is 0`,
      nextStep: "Allow user namespaces: sysctl kernel.unprivileged_userns_clone=1.",
    };
  }
  if (settings.most === "0") {
    return {
      reason: `${said}: user.max_user_namespaces is 0`,
      nextStep: "Allow user namespaces: sysctl user.max_user_namespaces=10000.",
    };
  }
  if (settings.appArmor === "1" && /denied|not permitted/i.test(words)) {
    return {
      reason: `${said}: kernel.apparmor_restrict_unprivileged_userns is 1`,
      nextStep:
        "Give bubblewrap an AppArmor profile that has the rule userns (apt install apparmor-profiles, " +
        "then cp /usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/ and " +
        "systemctl reload apparmor), or sysctl kernel.apparmor_restrict_unprivileged_userns=0.",
    };
  }
  if (/unknown option/i.test(words)) {
    return { reason: said, nextStep: "Install bubblewrap 0.8.0 or later." };
  }
  if (/denied|not permitted|no space left/i.test(words)) {
    return {
      reason: said,
      nextStep:
        "In a container, start it with user namespaces allowed, such as docker run " +
        "--security-opt seccomp=unconfined --security-opt apparmor=unconfined " +
        "--security-opt systempaths=unconfined.",
    };
  }
  return { reason: said, nextStep: "See what bwrap --version and this sentence's cause say." };
}
