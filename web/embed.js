/**
 * An inbox on any page, of whatever origin the server lets in, with two tags:
 *
 *     <script type="module" src="https://push.example.com/embed.js"></script>
 *     <tidings-bell token="…"></tidings-bell>
 *
 * Elements that name no server ask the one that this comes from.
 */

import { TidingsElement } from "./assets/vendor/element.js";

TidingsElement.server = new URL(".", import.meta.url).href;
