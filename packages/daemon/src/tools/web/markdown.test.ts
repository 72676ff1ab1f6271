import { describe, expect, test } from "vitest";
import { htmlToMarkdown } from "./markdown.ts";

const MOST = 131_072;
const shown = (html: string, url = "https://page.example/dir/a") => htmlToMarkdown(html, url, MOST).text;

describe("a page as Markdown", () => {
  test.each<[string, string, string]>([
    ["text", "a\n  b\t c", "a b c"],
    ["entities", "&lt;b&gt; &amp;&nbsp;&eacute; &#x1f600;", "<b> &\u00a0é 😀"],
    ["paragraphs", "<p>a</p>\n<p>b<br>c</p>d", "a\n\nb\nc\n\nd"],
    ["headings", "<h1>A <small>b</small></h1><h3>C</h3>d", "# A b\n\n### C\n\nd"],
    ["a title", "<title> My\n page </title><p>a</p>", "# My page\n\na"],
    ["a title that a heading repeats", "<title>T</title><h1>H</h1>", "# H"],
    [
      "links",
      "see <a href='b?c#d'> this </a>, and <a href='//o.example'>that</a>",
      "see [this](https://page.example/dir/b?c#d) , and [that](https://o.example/)",
    ],
    [
      "links with a base",
      "<base href='https://b.example/x/'><a href='y'>z</a>",
      "[z](https://b.example/x/y)",
    ],
    ["links that hold blocks", "<a href='/x'><h2>T</h2><p>s</p></a>", "[## T s](https://page.example/x)"],
    [
      "links to nothing that can be fetched",
      "<a href='javascript:x'>a</a> <a name=b>c</a> <a href='data:,x'>d</a>",
      "a c d",
    ],
    ["links without words", "a<a href='/x'></a><a href='/y'><img src='z'></a>b", "ab"],
    [
      "pictures",
      "<img alt='A  cat' src='c.png'><img alt='' src='d.png'>",
      "![A cat](https://page.example/dir/c.png)",
    ],
    [
      "lists",
      "<ul><li>a<li><p>b</p><ol><li>c</li><li>d</li></ol></li></ul>e",
      "- a\n- b\n\n  1. c\n  2. d\n\ne",
    ],
    ["quotes", "<p>a</p><blockquote><p>b</p><p>c</p></blockquote><p>d</p>", "a\n\n> b\n>\n> c\n\nd"],
    [
      "code",
      "use <code>npm `i`</code> or<pre>\nif (a) {\n  b\n}\n</pre>",
      "use `` npm `i` `` or\n\n```\nif (a) {\n  b\n}\n```",
    ],
    ["code with fences in it", "<pre>```\nx\n```</pre>", "````\n```\nx\n```\n````"],
    [
      "tables",
      "<table><tr><th>A<th>B</tr><tr><td>1|2<td><p>x</p><p>y</p></tr></table>z",
      "| A | B |\n| --- | --- |\n| 1\\|2 | x y |\n\nz",
    ],
    ["lines", "a<hr>b", "a\n\n---\n\nb"],
    [
      "nothing of scripts and styles",
      "<style>x</style><script>y<b></script><template>t</template><noscript>n</noscript>z",
      "n\n\nz".replace("\n\n", ""),
    ],
    [
      "nothing that is hidden",
      "<p hidden>a</p><p style='color:red;DISPLAY : none'>b <b>c</b></p><svg><title>t</title></svg>d",
      "d",
    ],
    ["no lone half of a character", `<p>${"x".repeat(MOST - 1)}😀</p>`, `${"x".repeat(MOST - 1)}\ufffd`],
  ])("has %s", (_what, html, markdown) => {
    expect(shown(html)).toBe(markdown);
  });

  const n = 131_072;
  test.each<[string, string, boolean]>([
    ["elements without end", "<div>".repeat(n / 5), true],
    ["lists in lists", "<ul><li>x".repeat(n / 9), true],
    ["quotes in quotes", "<blockquote>x".repeat(n / 13), true],
    ["tables in tables", "<table><tr><td>x".repeat(n / 16), true],
    ["ends without beginning", "</b>".repeat(n / 4), false],
    ["ends that miss", `${"<div>".repeat(400)}${"</b>".repeat(n / 5)}`, false],
    ["brackets", "<".repeat(n), true],
    ["ampersands", "&".repeat(n), true],
    ["comments without end", "<!--".repeat(n / 4), false],
    ["attributes", `<p ${"a ".repeat(n / 2)}>x`, false],
    ["fences", `<pre>${"`".repeat(n)}</pre>`, true],
    ["spaces", `<p>${" ".repeat(n)}x`, false],
    ["links that grow", "<a href=x>y</a>".repeat(n / 15), true],
  ])("is bounded, whatever it is made of: %s", (_what, html, truncated) => {
    const markdown = htmlToMarkdown(html, `https://page.example/${"d/".repeat(3_000)}`, MOST);
    expect(markdown.truncated).toBe(truncated);
    expect(markdown.text.length).toBeLessThanOrEqual(MOST);
  });
});
