import { element } from "#client/viewer/view/element.ts";
import type { SessionReport } from "#shared/admin/session-report.ts";
import { columnsOf, moodOf } from "../figures.ts";
import { asTheyStood, BY_NAME, inOrder, type Order, pressed } from "../order.ts";

/** Columns from here on are numbers, and stand to the right. */
const FIRST_NUMBER = 2;

type Row = {
  readonly element: HTMLTableRowElement;
  readonly button: HTMLButtonElement;
};

/** All sessions, one a row. A row stays the same element, so that the keyboard's focus stays where it is. */
export class SessionTable {
  readonly #body = element("rows", HTMLTableSectionElement);
  readonly #heads = element("heads", HTMLTableRowElement);
  readonly #empty = element("empty", HTMLElement);
  readonly #rows = new Map<string, Row>();
  readonly #chosen: (session: string) => void;
  #order = BY_NAME;
  #shown: { readonly reports: readonly SessionReport[]; readonly selected: string | undefined } = {
    reports: [],
    selected: undefined,
  };

  constructor(chosen: (session: string) => void) {
    this.#chosen = chosen;
    for (const [column, head] of [...this.#heads.cells].entries()) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => this.#sort(pressed(this.#order, column)));
    }
    this.#markOrder();
  }

  show(reports: readonly SessionReport[], selected: string | undefined): void {
    this.#shown = { reports, selected };
    this.#fill(
      this.#isPointedAt ? asTheyStood(reports, this.#names) : inOrder(reports, this.#order),
    );
  }

  focus(session: string): void {
    this.#rows.get(session)?.button.focus();
  }

  /** A row that moves away from under the pointer or the keyboard would be mistaken for another. */
  get #isPointedAt(): boolean {
    return this.#body.matches(":hover") || this.#body.contains(document.activeElement);
  }

  get #names(): readonly string[] {
    const names = new Map([...this.#rows].map(([name, row]) => [row.element, name]));
    return [...this.#body.rows].flatMap((row) => names.get(row) ?? []);
  }

  #sort(order: Order): void {
    this.#order = order;
    this.#markOrder();
    this.#fill(inOrder(this.#shown.reports, order));
  }

  #markOrder(): void {
    const { column, descending } = this.#order;
    for (const [index, head] of [...this.#heads.cells].entries()) {
      head.ariaSort = index !== column ? "none" : descending ? "descending" : "ascending";
    }
  }

  #fill(sorted: readonly SessionReport[]): void {
    const { selected } = this.#shown;
    const names = new Set(sorted.map(({ name }) => name));
    for (const [name, row] of this.#rows) {
      if (names.has(name)) continue;
      row.element.remove();
      this.#rows.delete(name);
    }
    for (const [index, report] of sorted.entries()) {
      const row = this.#rows.get(report.name) ?? this.#addRow(report.name);
      const before = this.#body.children[index];
      if (before !== row.element) this.#body.insertBefore(row.element, before ?? null);
      fill(row, report, report.name === selected);
    }
    this.#empty.hidden = sorted.length > 0;
  }

  #addRow(name: string): Row {
    const row = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.setAttribute("aria-controls", "detail");
    head.append(button);
    row.append(head);
    row.addEventListener("click", () => this.#chosen(name));
    const made = { element: row, button };
    this.#rows.set(name, made);
    return made;
  }
}

function fill(row: Row, report: SessionReport, isSelected: boolean): void {
  row.element.dataset["mood"] = moodOf(report);
  row.element.classList.toggle("selected", isSelected);
  row.button.setAttribute("aria-expanded", String(isSelected));
  for (const [index, text] of columnsOf(report).entries()) {
    const cell = row.element.cells[index + 1] ?? row.element.insertCell();
    cell.classList.toggle("number", index >= FIRST_NUMBER);
    // A screen reader says again whatever is set again.
    if (cell.textContent !== text) cell.textContent = text;
  }
}
