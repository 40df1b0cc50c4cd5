import { TokenKeeper } from "#client/viewer/token.ts";
import { element } from "#client/viewer/view/element.ts";
import type { GpuShare } from "#shared/admin/gpu-share.ts";
import type { AdminNews } from "#shared/admin/messages.ts";
import type { SessionReport } from "#shared/admin/session-report.ts";
import { AdminApi, ApiError } from "./api.ts";
import { formatShare, totalsOf } from "./figures.ts";
import { Live } from "./live.ts";
import { Charts } from "./view/charts.ts";
import { Detail, type DetailAct } from "./view/detail.ts";
import { Door } from "./view/door.ts";
import { Questions } from "./view/question.ts";
import { Remark } from "./view/remark.ts";
import { SessionTable } from "./view/session-table.ts";

const TOKEN_KEY = "heliograph.admin-token";
const SESSION_NAME = "[A-Za-z0-9][A-Za-z0-9._\\-]{0,63}";

/** The host admin's page: owns the connection to the gateway and connects the parts of the page. */
export class AdminPage {
  readonly #tokens = new TokenKeeper(window, TOKEN_KEY);
  readonly #desk = element("desk", HTMLElement);
  readonly #host = element("host", HTMLElement);
  readonly #totals = element("totals", HTMLElement);
  readonly #keep = element("keep", HTMLButtonElement);
  readonly #door: Door;
  readonly #table: SessionTable;
  readonly #detail: Detail;
  readonly #charts = new Charts();
  readonly #questions = new Questions();
  readonly #remark: Remark;
  #live: Live | undefined;
  #api: AdminApi | undefined;
  #news: AdminNews | undefined;
  #selected: string | undefined;

  constructor() {
    const said = element("said", HTMLElement);
    this.#remark = new Remark((sentence, isError) => {
      said.textContent = sentence;
      said.classList.toggle("error", isError);
    });
    this.#door = new Door((token) => this.#useToken(token));
    this.#table = new SessionTable((session) => this.#select(session));
    this.#detail = new Detail({
      act: (act) => void this.#act(act),
      profile: (profile) => void this.#assign(profile),
      share: (share) => void this.#assignShare(share),
      closed: () => this.#deselect(),
    });
    this.#keep.addEventListener("click", () => void this.#keepSession());
  }

  start(): void {
    // Pasting another address into the same tab changes only the fragment, which loads nothing anew.
    window.addEventListener("hashchange", () => this.#readAddress());
    this.#readAddress();
  }

  #readAddress(): void {
    const token = this.#tokens.read();
    if (token !== undefined) {
      this.#useToken(token);
      return;
    }
    this.#close(
      "no-token",
      "A token is missing",
      "“heliograph token admin” on the gateway's machine prints one; with --url, the whole address of this page.",
    );
  }

  #useToken(token: string): void {
    this.#live?.close();
    this.#tokens.keep(token);
    this.#api = new AdminApi(token);
    this.#door.hide();
    this.#enter("connecting", "Reaching the gateway.");
    this.#live = new Live(token, {
      news: (news) => this.#show(news),
      lost: () => this.#enter("lost", "The gateway does not answer. Trying again."),
      refused: (sentence) => {
        this.#tokens.forget();
        this.#close("refused", "The gateway refused the token", sentence);
      },
    });
  }

  /** What was shown, was shown to somebody who may not see it any more. */
  #close(state: string, title: string, sentence: string): void {
    this.#deselect();
    this.#news = undefined;
    this.#desk.hidden = true;
    this.#keep.hidden = true;
    this.#totals.textContent = "";
    this.#table.show([], undefined);
    this.#remark.clear();
    this.#enter(state, "");
    this.#door.show(title, sentence);
  }

  #enter(state: string, sentence: string): void {
    document.body.dataset["state"] = state;
    if (this.#host.textContent !== sentence) this.#host.textContent = sentence;
  }

  #show(news: AdminNews): void {
    this.#news = news;
    this.#enter(news.host.ready ? "live" : "no-gpu", news.host.sentence);
    this.#desk.hidden = false;
    this.#keep.hidden = false;
    this.#totals.textContent = totalsOf(news.sessions);
    this.#table.show(news.sessions, this.#selected);
    const report = this.#report;
    if (report === undefined) {
      if (this.#selected !== undefined) this.#deselect();
      return;
    }
    this.#detail.show(report, news.host.profiles);
    this.#charts.add(report, Date.now() / 1000);
  }

  get #report(): SessionReport | undefined {
    return this.#news?.sessions.find(({ name }) => name === this.#selected);
  }

  #select(session: string): void {
    const isNew = this.#selected !== session;
    this.#selected = session;
    if (isNew) {
      this.#charts.clear();
      void this.#loadHistory(session);
    }
    if (this.#news !== undefined) this.#show(this.#news);
  }

  #deselect(): void {
    const session = this.#selected;
    this.#selected = undefined;
    this.#detail.hide();
    this.#charts.clear();
    if (session === undefined || this.#news === undefined) return;
    this.#table.show(this.#news.sessions, undefined);
    this.#table.focus(session);
  }

  async #loadHistory(session: string): Promise<void> {
    await this.#try(async (api) => {
      const history = await api.history(session);
      if (this.#selected === session) this.#charts.show(history);
    });
  }

  async #keepSession(): Promise<void> {
    const name = await this.#questions.ask({
      title: "New session",
      sentence: "It is there before its guest connects, and stays while it is empty.",
      action: "Make it",
      text: {
        label: "Name",
        required: true,
        pattern: {
          source: SESSION_NAME,
          hint: "1 to 64 letters, digits, dots, dashes or underscores, a letter or digit first",
        },
      },
    });
    if (name === undefined) return;
    await this.#try((api) => api.keep(name), `Session ${name} is there.`);
  }

  async #assign(profile: string | undefined): Promise<void> {
    const session = this.#selected;
    if (session === undefined) return;
    const what = profile === undefined ? "the profile of its token" : `profile ${profile}`;
    await this.#try((api) => api.assignProfile(session, profile), `${session} has ${what}.`);
  }

  async #assignShare(share: GpuShare | undefined): Promise<void> {
    const session = this.#selected;
    if (session === undefined) return;
    const what = share === undefined ? "the share of its profile" : formatShare(share);
    await this.#try((api) => api.assignShare(session, share), `${session} now has ${what}.`);
  }

  async #act(act: DetailAct): Promise<void> {
    const report = this.#report;
    if (report === undefined) return;
    const { name } = report;
    switch (act) {
      case "screen":
        await this.#openScreen(name);
        return;
      case "pause":
        await (report.paused
          ? this.#try((api) => api.act(name, "resume"), `${name} goes on.`)
          : this.#try((api) => api.act(name, "pause"), `${name} is paused.`));
        return;
      case "evict":
        await this.#evict(name);
        return;
      case "quarantine":
        await (report.quarantine === undefined ? this.#quarantine(name) : this.#release(report));
        return;
      case "remove":
        await this.#remove(name);
        return;
      default:
        act satisfies never;
    }
  }

  /** The tab is opened at once, in the click: browsers block one that comes after the gateway's answer. */
  async #openScreen(name: string): Promise<void> {
    const tab = window.open("", "_blank");
    if (tab === null) {
      this.#remark.say("The browser blocked the tab: allow pop-ups for this page.", true);
      return;
    }
    tab.opener = null;
    new TokenKeeper(tab, TOKEN_KEY).forget(); // A tab that a page opens inherits what the page keeps.
    await this.#try(async (api) => {
      try {
        tab.location.replace(await api.screen(name));
      } catch (error) {
        tab.close();
        throw error;
      }
    }, `The screen of ${name} opens in another tab.`);
  }

  async #evict(name: string): Promise<void> {
    const reason = await this.#questions.ask({
      title: `Evict ${name}?`,
      sentence: "Its programs and its GPU worker end. They may come back at once.",
      action: "Evict",
      isDangerous: true,
      text: { label: "Reason, told to its programs and viewers", required: false },
    });
    if (reason === undefined) return;
    const why = reason === "" ? undefined : reason;
    await this.#try((api) => api.evict(name, why), `${name} was evicted.`);
  }

  async #quarantine(name: string): Promise<void> {
    const reason = await this.#questions.ask({
      title: `Quarantine ${name}?`,
      sentence:
        "Its programs and its GPU worker end, and its guest is not let in until you release it, also after a restart of the gateway.",
      action: "Quarantine",
      isDangerous: true,
      text: { label: "Reason, told to its programs and viewers", required: true },
    });
    if (reason === undefined) return;
    await this.#try((api) => api.quarantine(name, reason), `${name} is quarantined.`);
  }

  async #release({ name, quarantine }: SessionReport): Promise<void> {
    const answer = await this.#questions.ask({
      title: `Release ${name}?`,
      sentence: `Its guest is let in again. It was quarantined for: ${quarantine ?? ""}`,
      action: "Release",
    });
    if (answer === undefined) return;
    await this.#try((api) => api.act(name, "release"), `${name} is released.`);
  }

  async #remove(name: string): Promise<void> {
    const answer = await this.#questions.ask({
      title: `Remove ${name}?`,
      sentence: "Its programs, its GPU worker and its viewers end. Its guest may come back.",
      action: "Remove",
      isDangerous: true,
    });
    if (answer === undefined) return;
    await this.#try((api) => api.remove(name), `${name} was removed.`);
  }

  /** Says how it went. */
  async #try(deed: (api: AdminApi) => Promise<void>, done?: string): Promise<void> {
    if (this.#api === undefined) return;
    try {
      await deed(this.#api);
      if (done !== undefined) this.#remark.say(done, false);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#remark.say(error.message, true);
    }
  }
}
