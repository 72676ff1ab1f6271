type Attributes = Readonly<Record<string, string>>;

const set = (names: string) => new Set(names.split(" "));
/** Elements whose content no reader of a page sees, or that is no text. */
const UNSEEN = set("script style template svg math iframe object embed canvas audio video datalist");
/** Elements that begin and end a paragraph. */
const BLOCKS = set(
  "address article aside blockquote body center details dialog dd div dl dt fieldset figcaption figure footer form " +
    "header hgroup li main menu nav ol p search section summary table ul",
);
const LISTS = set("ul ol menu");
const HEADING = /^h[1-6]$/;
const HIDING = /(?:display\s*:\s*none|visibility\s*:\s*hidden)/i;
const MAX_LEVELS = 8;

/** Text that is gathered before it is written: a code span, a block of code, the page's title. */
interface Gathered {
  element: string;
  pieces: string[];
}

/** Writes Markdown while a page's elements open and close, in the order in which they stand there. */
export class MarkdownWriter {
  readonly #maxChars: number;
  #base: string;
  readonly #pieces: string[] = [];
  #chars = 0;
  /** Newlines owed before the next text; the end of a paragraph owes two. */
  #owed = 0;
  /** Of all that ended or began since the last text: the fewest quotes that a line between stands in. */
  #owedQuotes = 0;
  #owesSpace = false;
  /** The paragraph that begins an item stands beside its bullet. */
  #isAtBullet = false;
  #title = "";
  #hasHeading = false;
  #gathered: Gathered | undefined;
  /** How many open elements are not shown. */
  #unseen = 0;
  /** How many open elements keep their content on one line: headings, links, rows. */
  #inline = 0;
  #quotes = 0;
  readonly #lists: { isOrdered: boolean; items: number }[] = [];
  #link: { href: string; pieces: number } | undefined;
  readonly #tables: { rows: number; cells: number }[] = [];

  constructor(url: string, maxChars: number) {
    this.#base = url;
    this.#maxChars = maxChars;
  }

  get isFull(): boolean {
    return this.#chars >= this.#maxChars;
  }

  toString(): string {
    const title = oneLine(this.#title);
    const head = title === "" || this.#hasHeading ? "" : `# ${title}\n\n`;
    return (head + this.#pieces.join("")).trim().slice(0, this.#maxChars).toWellFormed();
  }

  open(name: string, attributes: Attributes): void {
    if (this.#unseen > 0 || UNSEEN.has(name) || isHidden(attributes)) this.#unseen += 1;
    else if (this.#gathered === undefined) this.#begin(name, attributes);
  }

  close(name: string): void {
    if (this.#unseen > 0) this.#unseen -= 1;
    else if (this.#gathered === undefined) this.#end(name);
    else if (this.#gathered.element === name) this.#release(this.#gathered);
  }

  text(text: string): void {
    if (this.#unseen > 0) return;
    if (this.#gathered === undefined) this.#flow(text);
    else this.#gathered.pieces.push(text);
  }

  #begin(name: string, attributes: Attributes): void {
    if (name === "base") this.#base = this.#absolute(attributes.href) ?? this.#base;
    else if (name === "title" || name === "pre" || name === "code")
      this.#gathered = { element: name, pieces: [] };
    else if (name === "br") this.#break(1);
    else if (name === "hr") this.#line("---");
    else if (name === "img") this.#image(attributes);
    else if (name === "a") this.#openLink(attributes);
    else if (HEADING.test(name)) this.#openHeading(Number(name[1]));
    else if (name === "tr") this.#openRow();
    else if (name === "td" || name === "th") this.#openCell();
    else if (BLOCKS.has(name)) this.#openBlock(name);
  }

  #end(name: string): void {
    if (name === "a") this.#closeLink();
    else if (HEADING.test(name)) {
      this.#inline -= 1;
      this.#break(2);
    } else if (name === "tr") this.#closeRow();
    else if (BLOCKS.has(name)) this.#closeBlock(name);
  }

  // ---------------------------------------------------------------- blocks

  #openBlock(name: string): void {
    this.#break(name === "li" ? 1 : 2);
    if (name === "blockquote") this.#quotes += 1;
    if (name === "table") this.#tables.push({ rows: 0, cells: 0 });
    if (LISTS.has(name)) this.#lists.push({ isOrdered: name === "ol", items: 0 });
    if (name === "li") this.#openItem();
  }

  #closeBlock(name: string): void {
    if (name === "blockquote") this.#quotes -= 1;
    if (name === "table") this.#tables.pop();
    if (LISTS.has(name)) this.#lists.pop();
    this.#break(name === "li" ? 1 : 2);
  }

  #openItem(): void {
    const list = this.#lists.at(-1);
    if (list !== undefined) list.items += 1;
    this.#put(list?.isOrdered === true ? `${list.items}. ` : "- ", { level: this.#lists.length - 1 });
    this.#isAtBullet = true;
  }

  #openHeading(level: number): void {
    this.#hasHeading ||= level === 1;
    this.#break(2);
    this.#put(`${"#".repeat(level)} `);
    this.#inline += 1;
  }

  #line(text: string): void {
    this.#break(2);
    this.#put(text);
    this.#break(2);
  }

  #openRow(): void {
    this.#break(1);
    this.#inline += 1;
    const table = this.#tables.at(-1);
    if (table !== undefined) table.cells = 0;
  }

  #openCell(): void {
    const table = this.#tables.at(-1);
    if (table !== undefined) table.cells += 1;
    this.#owesSpace = true;
    this.#put("| ");
  }

  /** The first row is the head: Markdown has no table without. */
  #closeRow(): void {
    this.#inline -= 1;
    const table = this.#tables.at(-1);
    if (table === undefined || table.cells === 0) return;
    this.#owesSpace = true;
    this.#put("|");
    table.rows += 1;
    this.#break(1);
    if (table.rows > 1 || this.#inline > 0) return;
    this.#put(`|${" --- |".repeat(table.cells)}`);
    this.#break(1);
  }

  // ---------------------------------------------------------------- inline

  #openLink({ href }: Attributes): void {
    const target = this.#absolute(href);
    if (target === undefined || this.#link !== undefined) return;
    this.#put("[");
    this.#inline += 1;
    this.#link = { href: target, pieces: this.#pieces.length };
  }

  #closeLink(): void {
    const link = this.#link;
    if (link === undefined) return;
    this.#link = undefined;
    this.#inline -= 1;
    if (this.#pieces.length > link.pieces) this.#closeText(link.href);
    // Nothing to click on: an anchor, or a picture without words.
    else this.#pieces.pop();
  }

  /** A space that was owed stands behind the link. */
  #closeText(href: string): void {
    const owesSpace = this.#owesSpace;
    this.#owesSpace = false;
    this.#put(`](${href})`);
    this.#owesSpace = owesSpace;
  }

  #image({ alt = "", src }: Attributes): void {
    const target = this.#absolute(src);
    if (oneLine(alt) !== "") this.#put(target === undefined ? oneLine(alt) : `![${oneLine(alt)}](${target})`);
  }

  #release({ element, pieces }: Gathered): void {
    this.#gathered = undefined;
    const text = pieces.join("");
    if (element === "title") {
      this.#title ||= text;
      return;
    }
    if (text.trim() === "") return;
    if (element === "code" || this.#inline > 0) this.#put(fenced("`", 1, oneLine(text), ""));
    else {
      this.#break(2);
      const lines = text.replace(/\r\n?/g, "\n").replace(/^\n|\s+$/g, "");
      this.#put(fenced("`", 3, lines, "\n"));
      this.#break(2);
    }
  }

  // ---------------------------------------------------------------- text

  /** White space is one space, and none at the edge of a block. */
  #flow(text: string): void {
    const words = text.replace(/[\t\n\f\r ]+/g, " ");
    if (words === "" || words === " ") {
      this.#owesSpace ||= words === " ";
      return;
    }
    this.#owesSpace ||= words.startsWith(" ");
    const inside = words.replace(/^ | $/g, "");
    this.#put(this.#tables.length > 0 ? inside.replaceAll("|", "\\|") : inside);
    this.#owesSpace = words.endsWith(" ");
  }

  /** At least so many newlines before what comes next; on a line that must not end, a space. */
  #break(lines: 1 | 2): void {
    if (this.#inline > 0) this.#owesSpace = true;
    else if (!this.#isAtBullet) {
      this.#owedQuotes = this.#owed === 0 ? this.#quotes : Math.min(this.#owedQuotes, this.#quotes);
      this.#owed = Math.max(this.#owed, lines);
    }
  }

  #put(text: string, { level = this.#lists.length }: { level?: number } = {}): void {
    if (this.#chars > 0 && this.#owed > 0) this.#add(this.#newlines(level));
    else if (this.#owesSpace && !/(?:^|[\s[])$/.test(this.#pieces.at(-1) ?? "")) this.#add(" ");
    this.#owed = 0;
    this.#owesSpace = false;
    this.#isAtBullet = false;
    this.#add(text);
  }

  #newlines(level: number): string {
    const quotes = (many: number) => "> ".repeat(Math.min(many, MAX_LEVELS));
    const between = `\n${quotes(Math.min(this.#owedQuotes, this.#quotes)).trimEnd()}`.repeat(this.#owed - 1);
    return `${between}\n${quotes(this.#quotes)}${"  ".repeat(Math.min(Math.max(level, 0), MAX_LEVELS))}`;
  }

  #add(piece: string): void {
    this.#pieces.push(piece);
    this.#chars += piece.length;
  }

  /** What can be fetched or written to; undefined for scripts, data and what is no URL. */
  #absolute(href: string | undefined): string | undefined {
    const url = href === undefined ? null : URL.parse(href, this.#base);
    return url !== null && /^(https?|mailto):$/.test(url.protocol) ? url.href : undefined;
  }
}

function isHidden({ hidden, style }: Attributes): boolean {
  return hidden !== undefined || (style !== undefined && HIDING.test(style));
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** Between fences that are longer than any in the text. */
function fenced(mark: string, least: number, text: string, edge: string): string {
  const longest = (text.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), 0);
  const fence = mark.repeat(Math.max(least, longest + (longest >= least ? 1 : 0)));
  const pad = edge === "" && (text.startsWith(mark) || text.endsWith(mark)) ? " " : edge;
  return `${fence}${pad}${text}${pad}${fence}`;
}
