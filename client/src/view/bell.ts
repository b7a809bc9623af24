/** How a bell looks, beside what `styles.ts` says of all parts. */

export const bellCss = `
:host(tidings-bell){display:inline-block}
.tidings-bell{position:relative;display:inline-block}
.tidings-bell>button{position:relative;width:2.75rem;height:2.75rem;padding:.625rem;border-radius:50%}
.tidings-bell svg{display:block;width:1.5rem;height:1.5rem;fill:currentColor}
.tidings-badge{position:absolute;top:0;inset-inline-end:0;min-width:1.25rem;padding:0 .3125rem;
border-radius:.625rem;background:var(--badge);color:#fff;font-size:.75rem;font-weight:600;line-height:1.125rem;text-align:center;border:1px solid transparent}
.tidings-popover{position:absolute;z-index:1000;top:calc(100% + .25rem);inset-inline-end:0;
width:min(24rem,calc(100vw - 1rem));border:1px solid var(--border);border-radius:var(--radius);
box-shadow:0 8px 32px rgb(0 0 0/.18);background:var(--surface);overflow:hidden}
.tidings-start{inset-inline:0 auto}
@media (max-width:30rem){.tidings-popover{position:fixed;top:auto;inset-inline:.5rem;width:auto}}
`;
