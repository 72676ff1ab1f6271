import { queryOptions, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ComponentProps, useEffect, useState } from "react";
import ReactMarkdown from "react-markdown";
import rehypeSlug from "rehype-slug";
import remarkGfm from "remark-gfm";
import { kheish } from "../../app/client.ts";
import { FOREVER } from "./forever.ts";
import { imageOf, linkOf } from "./links.ts";

/** Markdown as React elements: what would be HTML in it stays text, and links lead where pages are. */
export function Markdown({ page, children }: { page: string; children: string }) {
  return (
    <div className="prose">
      <ReactMarkdown
        remarkPlugins={[remarkGfm]}
        rehypePlugins={[rehypeSlug]}
        components={{
          a: ({ href = "", children: text }) => <Anchor page={page} href={href} text={text} />,
          img: ({ src, alt = "" }) => <Picture page={page} src={src} alt={alt} />,
          pre: ({ children: code }) => (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
            <pre tabIndex={0}>{code}</pre>
          ),
          table: ({ children: rows }) => (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
            <div className="overflow-x-auto" tabIndex={0}>
              <table>{rows}</table>
            </div>
          ),
        }}
      >
        {children}
      </ReactMarkdown>
    </div>
  );
}

function Anchor({ page, href, text }: { page: string; href: string; text: React.ReactNode }) {
  const link = linkOf(page, href);
  if (link.kind === "none") return <span>{text}</span>;
  if (link.kind === "here") return <a href={`#${link.hash}`}>{text}</a>;
  if (link.kind === "outside")
    return (
      <a href={link.url} target="_blank" rel="noopener noreferrer">
        {text}
      </a>
    );
  return (
    <Link to="/docs/$" params={{ _splat: link.path }} {...(link.hash !== "" && { hash: link.hash })}>
      {text}
    </Link>
  );
}

/** Its words stand in for it while it is on its way, and where it is not to be had. */
function Picture({ page, src, alt }: { page: string; src: ComponentProps<"img">["src"]; alt: string }) {
  const path = typeof src === "string" ? imageOf(page, src) : undefined;
  const url = useObjectUrl(useQuery(imageQuery(path)).data);
  return url === undefined ? <span>{alt}</span> : <img src={url} alt={alt} />;
}

/** An element that loads by itself can say nothing of who is signed in: the client asks, as everywhere. */
const imageQuery = (path: string | undefined) =>
  queryOptions({
    queryKey: ["docs", "image", path],
    queryFn: async ({ signal }) => (await kheish().rawBody({ path: path ?? "", signal })).blob(),
    enabled: path !== undefined,
    ...FOREVER,
  });

/** An address for what this page holds in memory, for as long as it is shown. */
function useObjectUrl(blob: Blob | undefined): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (blob === undefined) return;
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => {
      setUrl(undefined);
      URL.revokeObjectURL(made);
    };
  }, [blob]);
  return url;
}
