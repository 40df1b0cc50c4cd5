import { assertNever } from "#shared/base/assert.ts";
import type { InputEvent } from "#shared/input/events.ts";
import { Absence } from "./absence.ts";
import { InputChannels } from "./input/channels.ts";
import { listenToKeyboard } from "./input/keyboard.ts";
import type { Shortcut } from "./input/key-filter.ts";
import { listenToPointer } from "./input/pointer.ts";
import { TextEntry } from "./input/text-entry.ts";
import { Typist } from "./input/typist.ts";
import { Peer } from "./peer.ts";
import { Playback } from "./playback.ts";
import { Signaling } from "./signaling.ts";
import { Stage } from "./stage.ts";
import { AT_FIRST, isViewOnly, type Knowledge, pageTitle, type Phase, present } from "./state.ts";
import { type GatewayStats, readGatewayStats } from "./stats/gateway-stats.ts";
import { StatsPanel } from "./stats/panel.ts";
import { browserAbilities, whyUnsupported } from "./support.ts";
import { TokenKeeper } from "./token.ts";
import { element } from "./view/element.ts";
import { toggleFullScreen } from "./view/full-screen.ts";
import { Notice } from "./view/notice.ts";
import { Toolbar } from "./view/toolbar.ts";

/** The operator's page: owns the connections to the gateway and connects the parts of the page. */
export class Viewer {
  readonly #tokens = new TokenKeeper(window, "heliograph.token");
  readonly #playback: Playback;
  readonly #stage: Stage;
  readonly #channels: InputChannels;
  readonly #text: TextEntry;
  readonly #notice: Notice;
  readonly #toolbar: Toolbar;
  readonly #panel: StatsPanel;
  #knowledge: Knowledge = AT_FIRST;
  #gatewayStats: GatewayStats | undefined;
  #signaling: Signaling | undefined;
  #peer: Peer | undefined;

  constructor() {
    const video = element("picture", HTMLVideoElement);
    const still = element("still", HTMLCanvasElement);
    const area = element("stage", HTMLElement);
    this.#channels = new InputChannels(() => this.#stage.askNow());
    const send = (event: InputEvent): void => {
      if (!isViewOnly(this.#knowledge)) this.#channels.send(event);
    };
    this.#stage = new Stage(area, [video, still], send);
    this.#playback = new Playback(video, still, {
      playing: () => this.#firstFrame(),
      resized: (size) => this.#stage.setPicture(size),
      blocked: () => this.#learn({ blocked: true }),
    });
    const typist = new Typist(send);
    this.#text = new TextEntry(area, element("text-entry", HTMLTextAreaElement), typist);
    this.#notice = new Notice({
      token: (token) => this.#useToken(token),
      action: (phase) => this.#act(phase),
    });
    this.#toolbar = new Toolbar({
      statistics: () => this.#toggleStatistics(),
      fullScreen: () => void toggleFullScreen(),
      text: () => this.#toggleText(),
      left: () => area.focus(),
    });
    this.#panel = new StatsPanel(
      element("stats", HTMLElement),
      element("stats-list", HTMLElement),
      () => ({ session: this.#knowledge.session, gateway: this.#gatewayStats }),
      async () => this.#peer?.stats(),
    );
    listenToPointer(area, () => this.#stage.placed, send);
    listenToKeyboard(area, {
      typist,
      isGuests: () => !isViewOnly(this.#knowledge),
      writesText: () => this.#text.isOn,
      shortcut: (shortcut) => this.#shortcut(shortcut),
    });
    area.addEventListener("pointerdown", () => {
      if (isViewOnly(this.#knowledge)) this.#toolbar.peek();
    });
  }

  /** Connects with the token of the address; a page that lacks one, or cannot show H.264, says so. */
  start(): void {
    const unsupported = whyUnsupported(browserAbilities());
    if (unsupported !== undefined) {
      this.#learn({ unsupported });
      return;
    }
    // Pasting another address into the same tab changes only the fragment, which loads nothing anew.
    window.addEventListener("hashchange", () => this.#readAddress());
    this.#watchNetwork();
    const absence = new Absence({
      left: () => this.#leave(),
      back: (away) => this.#comeBack(away),
    });
    document.addEventListener("visibilitychange", () => {
      absence.show(document.visibilityState === "visible");
    });
    this.#readAddress();
  }

  #watchNetwork(): void {
    window.addEventListener("offline", () => this.#learn({ offline: true }));
    window.addEventListener("online", () => {
      this.#learn({ offline: false });
      if (this.#knowledge.signaling === "lost") this.#signaling?.connectNow();
    });
  }

  /** The last frame stays; the gateway grants fewer frames to a session that nobody watches. */
  #leave(): void {
    if (this.#signaling === undefined || this.#knowledge.refused !== undefined) return;
    this.#dropPeer();
    this.#signaling.leave();
    this.#learn({ away: true, signaling: "connecting", media: "connecting", busy: undefined });
  }

  #comeBack(away: boolean): void {
    this.#learn({ away: false });
    if (away || this.#knowledge.signaling === "lost") this.#signaling?.connectNow();
  }

  #readAddress(): void {
    const token = this.#tokens.read();
    if (token === undefined) this.#learn({});
    else this.#useToken(token);
  }

  #useToken(token: string): void {
    this.#signaling?.close();
    this.#dropPeer();
    this.#clearPicture();
    this.#tokens.keep(token);
    this.#knowledge = { ...AT_FIRST, token: true, offline: !navigator.onLine };
    this.#learn({});
    this.#signaling = new Signaling(token, {
      opened: () => {
        this.#dropPeer();
        // What it was before, a gateway that was started anew may not know.
        this.#learn({ signaling: "open", session: undefined });
      },
      welcome: (welcome) => this.#learn({ welcome }),
      description: (description) => {
        this.#peer ??= this.#newPeer();
        this.#peer.accept(description);
      },
      candidate: (candidate) => {
        this.#peer ??= this.#newPeer();
        this.#peer.addCandidate(candidate);
      },
      session: (session) => this.#learn({ session, busy: undefined }),
      token: (given) => this.#tokens.keep(given),
      lost: () => this.#learn({ signaling: "lost", busy: undefined }),
      busy: (busy) => {
        this.#dropPeer();
        this.#learn({ busy });
      },
      refused: (refused) => {
        this.#dropPeer();
        this.#clearPicture();
        this.#learn({ refused });
      },
    });
  }

  #newPeer(): Peer {
    return new Peer({
      answer: (description) => this.#signaling?.sendDescription(description),
      candidate: (candidate) => this.#signaling?.sendCandidate(candidate),
      stream: (stream) => this.#playback.show(stream),
      channel: ({ label, channel }) => {
        if (label !== "stats") this.#channels.use(label, channel);
        else {
          channel.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
            if (typeof data === "string") this.#gatewayStats = readGatewayStats(data);
          });
        }
      },
      connected: () => {
        this.#signaling?.settled();
        this.#learn({ media: "connected" });
      },
      interrupted: () => this.#learn({ media: "interrupted" }),
      failed: () => {
        const worked =
          this.#knowledge.media === "connected" || this.#knowledge.media === "interrupted";
        this.#dropPeer();
        this.#learn({ media: worked ? "interrupted" : "failed", signaling: "connecting" });
        this.#signaling?.restart();
      },
    });
  }

  /** The last frame stays on the page. */
  #dropPeer(): void {
    if (this.#peer === undefined) return;
    this.#playback.freeze();
    this.#channels.clear();
    this.#peer.close();
    this.#peer = undefined;
    this.#gatewayStats = undefined;
    this.#learn({ playing: false });
  }

  /** The picture was shown to somebody who was allowed to see it, and may not be any more. */
  #clearPicture(): void {
    this.#playback.clear();
    delete document.body.dataset["firstFrame"];
  }

  #firstFrame(): void {
    document.body.dataset["firstFrame"] ??= String(Math.round(performance.now()));
    this.#learn({ playing: true, blocked: false });
  }

  #act(phase: Phase): void {
    if (phase === "refused") {
      this.#tokens.forget();
      this.#knowledge = AT_FIRST;
      this.#learn({});
    } else if (phase === "blocked") {
      this.#learn({ blocked: false });
      this.#playback.play();
    } else {
      location.reload();
    }
  }

  #shortcut(shortcut: Shortcut): void {
    switch (shortcut) {
      case "statistics":
        this.#toggleStatistics();
        return;
      case "full-screen":
        void toggleFullScreen();
        return;
      case "text":
        this.#toggleText();
        return;
      case "toolbar":
        this.#toolbar.focus();
        return;
      default:
        assertNever(shortcut);
    }
  }

  #toggleText(): void {
    if (isViewOnly(this.#knowledge)) return;
    this.#text.toggle();
    this.#learn({});
  }

  #toggleStatistics(): void {
    this.#panel.toggle();
    this.#learn({});
  }

  #learn(news: Partial<Knowledge>): void {
    this.#knowledge = { ...this.#knowledge, ...news };
    const presentation = present(this.#knowledge);
    const { dataset } = document.body;
    const cameAlive = presentation.phase === "live" && dataset["state"] !== "live";
    dataset["state"] = presentation.phase;
    this.#notice.show(presentation);
    const { welcome } = this.#knowledge;
    const viewOnly = isViewOnly(this.#knowledge);
    this.#toolbar.show({
      session: welcome?.session ?? "",
      state: viewOnly ? `${presentation.short}, view only` : presentation.short,
      statisticsOpen: this.#panel.open,
      mayWrite: !viewOnly,
      writes: this.#text.isOn,
    });
    this.#stage.tellRole(viewOnly);
    document.title = pageTitle(presentation, welcome);
    // The keyboard is the guest's as soon as there is something to type into.
    if (cameAlive && !this.#toolbar.hasFocus) this.#stage.element.focus();
  }
}
