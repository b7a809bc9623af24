
export { LitElement, css, html, nothing, render, svg, unsafeCSS } from "lit";
export { live } from "lit/directives/live.js";
export { createRef, ref } from "lit/directives/ref.js";
export { repeat } from "lit/directives/repeat.js";
