/**
 * How an inbox looks, in one sheet for the elements (in their shadow) and for React (in the document, so each rule
 * begins with a class of ours). Constructed and adopted: a page whose policy forbids inline styles shows it all the same.
 *
 * Colours, type and radius are variables (`--tidings-accent`, …); both themes follow `color-scheme`. Sides are logical,
 * so that right-to-left needs nothing.
 */

export const css = `
.tidings{--accent:var(--tidings-accent,light-dark(#2a55e0,#8fabff));--surface:var(--tidings-surface,light-dark(#fff,#161a21));
--raised:var(--tidings-raised,color-mix(in srgb,var(--text) 6%,transparent));--text:var(--tidings-text,light-dark(#171a20,#e7eaf0));
--muted:var(--tidings-muted,color-mix(in srgb,var(--text) 70%,transparent));--border:var(--tidings-border,color-mix(in srgb,var(--text) 15%,transparent));
--badge:var(--tidings-badge,#c5221f);--radius:var(--tidings-radius,.75rem);
font:var(--tidings-font,.9375rem/1.45 system-ui,sans-serif);color:var(--text);text-align:start}
.tidings *{box-sizing:border-box}
.tidings :is(button,a){font:inherit;color:inherit;text-decoration:none;text-align:start;cursor:pointer}
.tidings button{background:none;border:0;border-radius:.5rem;padding:.25rem .625rem;min-height:2.75rem}
.tidings button:hover,.tidings-item:hover{background:var(--raised)}
.tidings :focus-visible{outline:2px solid var(--accent);outline-offset:-2px}
.tidings button:disabled{opacity:.5;cursor:default}
:host{display:block}.tidings [hidden]{display:none}
.tidings-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.tidings-inbox{position:relative;display:flex;flex-direction:column;max-height:var(--tidings-height,min(32rem,80vh));
background:var(--surface);border-radius:var(--radius);overflow:hidden}
.tidings-head{display:flex;flex-wrap:wrap;align-items:center;gap:.25rem;padding:.375rem .5rem;border-block-end:1px solid var(--border)}
.tidings-head [aria-pressed=true]{color:var(--accent);font-weight:600;box-shadow:inset 0 -2px var(--accent);border-radius:.5rem .5rem 0 0}
.tidings-all{margin-inline-start:auto;font-size:.8125rem}
.tidings-scroll{overflow-y:auto;overscroll-behavior:contain;flex:1}
.tidings-list{list-style:none;margin:0;padding:0}
.tidings-list>li{position:relative}
.tidings-list>li+li{border-block-start:1px solid var(--border)}
.tidings .tidings-item{display:block;width:100%;padding-block:.625rem;padding-inline:1.75rem 3rem;border-radius:0;overflow-wrap:anywhere}
.tidings-item strong{display:block;font-weight:500}
.tidings-item p{margin:0;color:var(--muted);font-size:.875rem;display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:3;overflow:hidden}
.tidings-item time{color:var(--muted);font-size:.8125rem}
.tidings-new>.tidings-item strong{font-weight:650}
.tidings-new>.tidings-item::before{content:"";position:absolute;top:1rem;inset-inline-start:.625rem;
border:.25rem solid var(--accent);border-radius:50%}
.tidings .tidings-more{position:absolute;top:0;inset-inline-end:.375rem;width:2.75rem;text-align:center;color:var(--muted)}
.tidings-actions{display:flex;flex-wrap:wrap;gap:.25rem;padding:0 1rem .5rem;font-size:.8125rem}
.tidings-actions button,.tidings-ask button{border:1px solid var(--border)}
.tidings .tidings-pill{position:absolute;z-index:1;top:3.5rem;inset-inline:0;margin-inline:auto;width:max-content;
background:var(--accent);color:light-dark(#fff,#0e1116);border-radius:1.25rem;box-shadow:0 2px 8px rgb(0 0 0/.25)}
.tidings-note{padding:.75rem 1rem;margin:0;color:var(--muted);font-size:.875rem}
.tidings-failure{color:light-dark(#b3261e,#ff8f86)}
.tidings-empty{padding:2.5rem 1rem;text-align:center}
.tidings-ask{display:flex;flex-wrap:wrap;align-items:center;gap:.25rem .5rem;padding:.625rem 1rem;border-block-start:1px solid var(--border);font-size:.875rem}
.tidings-ask span{width:100%}
.tidings .tidings-older{display:block;width:100%;color:var(--accent);text-align:center;
border:solid var(--border);border-width:1px 0 0;border-radius:0}
`;

const sheets = new Map<string, CSSStyleSheet>();

/** Adds a sheet, made once, where it is not yet. */
export function adopt(root: DocumentOrShadowRoot, text: string = css): void {
  let sheet = sheets.get(text);
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    sheets.set(text, sheet);
  }
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
}
