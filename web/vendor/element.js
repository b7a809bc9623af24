import{html as E,nothing as b}from"./lit.js";var $={inbox:"Notifications",all:"All",unread:"Unread",markAllRead:"Mark all as read",markRead:"Mark as read",markUnread:"Mark as unread",archive:"Archive",delete:"Delete",mute:"Mute {type}",actions:"Actions for {title}",more:"Show older",empty:"Nothing here yet",emptyUnread:"All read",loading:"Loading\u2026",offline:"Not connected",failed:"That did not work: {reason}",fresh:{one:"{n} new notification",other:"{n} new notifications"},badge:{zero:"Notifications",one:"Notifications, {n} new",other:"Notifications, {n} new"},pushAsk:"Hear of them when this page is closed?",pushYes:"Notify me",pushNo:"Not now",pushInstall:"To hear of them when this page is closed, add it to your home screen first.",typing:{one:"{users} is typing\u2026",other:"{users} are typing\u2026"}};function M(i,e,t={},s){let n=i[e];return(typeof n=="string"?n:q(n,Number(t.n),s)).replace(/\{(\w+)\}/g,(o,l)=>String(t[l]??o))}function q(i,e,t){let s=e===0&&i.zero!==void 0?"zero":new Intl.PluralRules(t).select(e);return i[s]??i.other??""}var A=99;function z(i){return i>A?`${A}+`:String(i)}import{LitElement as B,unsafeCSS as K}from"./lit.js";var g=class{client;#t=new Set;#e;#n=!1;#i=null;#s=0;#a=0;#o;#l=null;#c=[];constructor(e){this.client=e;let t=e.getSnapshot();this.#e={snapshot:t,tab:"all",items:t.items,held:0,announced:0,failure:null}}getView=()=>this.#e;subscribe=e=>(this.#t.size===0&&this.#p(),this.#t.add(e),()=>{this.#t.delete(e),this.#t.size===0&&this.#h()});setTab(e){this.#i=null,this.#r({tab:e})}setOpen(e){this.#n=e,e||(this.#i=null),this.#r({}),this.#d()}setAtTop(e){let t=e?null:this.#i??this.#e.snapshot.items[0]?.position??null;t!==this.#i&&(this.#i=t,this.#r({}),e&&this.#d())}async attempt(e){try{return await e,this.#e.failure!==null&&this.#r({failure:null}),!0}catch(t){return this.#r({failure:t instanceof Error?t.message:String(t)}),!1}}#p(){let{client:e}=this;this.#c=[e.subscribe(()=>{this.#r({}),this.#d()}),e.on("notification",()=>this.#u(1))],this.#r({})}#h(){for(let e of this.#c.splice(0))e();clearTimeout(this.#o),this.#o=void 0}#r(e){let t=this.client.getSnapshot(),{tab:s,announced:n,failure:r}={...this.#e,...e},o=this.#i===null?0:j(t.items,this.#i),l=o===0?t.items:t.items.slice(o),u=s==="all"?l:l.filter(h=>h.read_at===void 0),d=this.#e;if(d.snapshot===t&&d.tab===s&&d.held===o&&d.announced===n&&d.failure===r)return;let k=u.length===d.items.length&&u.every((h,w)=>h===d.items[w]);this.#e={snapshot:t,tab:s,items:k?d.items:u,held:o,announced:n,failure:r};for(let h of this.#t)h()}#d(){let{snapshot:e,held:t}=this.#e,s=this.#n&&globalThis.document?.visibilityState!=="hidden",n=e.items[0]?.position??null;!s||t>0||e.unseen===0||!e.loaded||n===this.#l||(this.#l=n,this.attempt(this.client.markSeen()))}#u(e){this.#s+=e;let t=Math.max(300,this.#a+5e3-Date.now());this.#o??=setTimeout(()=>this.#m(),t)}#m(){this.#a=Date.now(),this.#r({announced:this.#s}),this.#s=0,this.#o=setTimeout(()=>{this.#o=void 0,this.#r({announced:0}),this.#s>0&&this.#u(0)},3e3)}};function j(i,e){let[t,s]=U(e),n=i.findIndex(r=>{let[o,l]=U(r.position);return o!==t||l<=s});return n===-1?i.length:n}function U(i){let e=i.lastIndexOf(".");return[i.slice(0,e),Number(i.slice(e+1))]}var C=`
.tidings{--accent:var(--tidings-accent,light-dark(#2a55e0,#8fabff));--surface:var(--tidings-surface,light-dark(#fff,#161a21));
--raised:var(--tidings-raised,light-dark(#f1f3f7,#222833));--text:var(--tidings-text,light-dark(#171a20,#e7eaf0));
--muted:var(--tidings-muted,light-dark(#59606d,#9ea7b6));--border:var(--tidings-border,light-dark(#dde1e8,#2b313c));
--badge:var(--tidings-badge,#c5221f);--radius:var(--tidings-radius,.75rem);
font:var(--tidings-font,.9375rem/1.45 system-ui,sans-serif);color:var(--text);text-align:start}
.tidings *{box-sizing:border-box}
.tidings :is(button,a){font:inherit;color:inherit;text-decoration:none;text-align:start;cursor:pointer}
.tidings button{background:none;border:0;border-radius:.5rem;padding:.25rem .625rem;min-block-size:2.25rem}
.tidings button:hover,.tidings-item:hover{background:var(--raised)}
.tidings :focus-visible{outline:2px solid var(--accent);outline-offset:-2px}
.tidings button:disabled{opacity:.5;cursor:default}
:host{display:block}:host(tidings-bell){display:inline-block}.tidings [hidden]{display:none}
.tidings-hidden{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.tidings-bell{position:relative;display:inline-block}
.tidings-bell>button{position:relative;inline-size:2.75rem;block-size:2.75rem;padding:.625rem;border-radius:50%}
.tidings-bell svg{display:block;inline-size:1.5rem;block-size:1.5rem;fill:currentColor}
.tidings-badge{position:absolute;inset-block-start:0;inset-inline-end:0;min-inline-size:1.25rem;padding:0 .3125rem;
border-radius:.625rem;background:var(--badge);color:#fff;font-size:.75rem;font-weight:600;line-height:1.25rem;text-align:center}
.tidings-popover{position:absolute;z-index:1000;inset-block-start:calc(100% + .25rem);inset-inline-end:0;
inline-size:min(24rem,calc(100vw - 1rem));border:1px solid var(--border);border-radius:var(--radius);
box-shadow:0 8px 32px rgb(0 0 0/.18);background:var(--surface);overflow:hidden}
.tidings-inbox{position:relative;display:flex;flex-direction:column;max-block-size:var(--tidings-height,min(32rem,80vh));
background:var(--surface);border-radius:var(--radius);overflow:hidden}
.tidings-head{display:flex;flex-wrap:wrap;align-items:center;gap:.25rem;padding:.375rem .5rem;border-block-end:1px solid var(--border)}
.tidings-head [aria-pressed=true]{color:var(--accent);font-weight:600;box-shadow:inset 0 -2px var(--accent);border-radius:.5rem .5rem 0 0}
.tidings-all{margin-inline-start:auto;font-size:.8125rem}
.tidings-scroll{overflow-y:auto;overscroll-behavior:contain;flex:1}
.tidings-list{list-style:none;margin:0;padding:0}
.tidings-list>li{position:relative;border-block-end:1px solid var(--border)}
.tidings .tidings-item{display:block;inline-size:100%;padding-block:.625rem;padding-inline:1.75rem 3rem;border-radius:0;overflow-wrap:anywhere}
.tidings-item strong{display:block;font-weight:500}
.tidings-item p{margin:0;color:var(--muted);font-size:.875rem;display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:3;overflow:hidden}
.tidings-item time{color:var(--muted);font-size:.8125rem}
.tidings-new>.tidings-item strong{font-weight:650}
.tidings-new>.tidings-item::before{content:"";position:absolute;inset-block-start:1rem;inset-inline-start:.625rem;
inline-size:.5rem;block-size:.5rem;border-radius:50%;background:var(--accent)}
.tidings .tidings-more{position:absolute;inset-block-start:.375rem;inset-inline-end:.375rem;inline-size:2.75rem;text-align:center;color:var(--muted)}
.tidings-actions{display:flex;flex-wrap:wrap;gap:.25rem;padding:0 1rem .5rem;font-size:.8125rem}
.tidings-actions button,.tidings-ask button{border:1px solid var(--border)}
.tidings .tidings-pill{position:absolute;z-index:1;inset-block-start:3.5rem;inset-inline:0;margin-inline:auto;inline-size:max-content;
background:var(--accent);color:light-dark(#fff,#0e1116);border-radius:1.25rem;box-shadow:0 2px 8px rgb(0 0 0/.25)}
.tidings-note{padding:.75rem 1rem;margin:0;color:var(--muted);font-size:.875rem}
.tidings-failure{color:light-dark(#b3261e,#ff8f86)}
.tidings-empty{padding:2.5rem 1rem;text-align:center}
.tidings-ask{display:flex;flex-wrap:wrap;align-items:center;gap:.25rem .5rem;padding:.625rem 1rem;border-block-start:1px solid var(--border);font-size:.875rem}
.tidings-ask span{inline-size:100%}
.tidings .tidings-older{display:block;inline-size:100%;color:var(--accent);text-align:center}
@media (prefers-reduced-motion:no-preference){.tidings-pill{animation:tidings-in .15s ease-out}
@keyframes tidings-in{from{opacity:0;translate:0 -.5rem}}}
@media (max-width:30rem){.tidings-popover{position:fixed;inset-block-start:auto;inset-inline:.5rem;inline-size:auto}}
@media (forced-colors:active){.tidings-badge{border:1px solid}.tidings-new>.tidings-item::before{background:CanvasText}}
`;function I(i,e,t){let s=Date.parse(i),n=Math.max(0,e-s);if(n>=7*864e5)return new Intl.DateTimeFormat(t,{dateStyle:"medium"}).format(s);let r=new Intl.RelativeTimeFormat(t,{numeric:"auto"});return n<6e4?r.format(0,"second"):n<36e5?r.format(-Math.floor(n/6e4),"minute"):n<864e5?r.format(-Math.floor(n/36e5),"hour"):r.format(-Math.floor(n/864e5),"day")}function P(i,e){return new Intl.DateTimeFormat(e,{dateStyle:"full",timeStyle:"medium"}).format(Date.parse(i))}var f=new Set,T;function O(i){return f.add(i),T??=setInterval(()=>f.forEach(e=>e()),6e4/2),()=>{f.delete(i),f.size===0&&(clearInterval(T),T=void 0)}}var S=new Map;function D(i,e){let t=JSON.stringify([i.url,i.token]),s=S.get(t)??{client:Y(i),users:0};S.set(t,s),s.users+=1;let n=!0;return s.client.then(r=>n&&e(r)),()=>{n=!1,s.users-=1,!(s.users>0)&&(S.delete(t),s.client.then(r=>r.close()))}}async function Y(i){let{createTidings:e}=await import("./tidings.js"),t=e(i);return t.connect(),t}var m=class extends B{static styles=K(C);static properties={client:{attribute:!1},words:{attribute:!1},url:{},token:{},push:{}};feed;#t=[];#e=()=>{};constructor(){super(),this.words=$}connectedCallback(){super.connectedCallback(),this.#e=O(()=>this.requestUpdate()),this.hasUpdated&&this.#n()}disconnectedCallback(){super.disconnectedCallback(),this.#e(),this.#s()}willUpdate(e){["client","url","token"].some(t=>e.has(t))&&(this.#s(),this.isConnected&&this.#n())}followed(e){}get language(){let e=this.closest("[lang]")?.lang??document.documentElement.lang;return this.lang||e||void 0}tell(e,t){return M(this.words,e,t,this.language)}#n(){let{client:e,url:t,token:s}=this;e?this.#i(e):(t!==void 0||s!==void 0)&&this.#t.push(D({...t&&{url:t},...s&&{token:s}},n=>this.#i(n)))}#i(e){let t=new g(e);this.feed=t,this.#t.push(t.subscribe(()=>this.requestUpdate())),this.followed(t),this.requestUpdate()}#s(){for(let e of this.#t.splice(0))e();this.feed=void 0}};var G="inbox,head,tab,mark-all,pill,list,empty,entry,entry-unread,item,title,text,time,more,actions,action,older,ask",y=class extends m{static properties={open:{type:Boolean,reflect:!0}};constructor(){super(),this.open=!1}connectedCallback(){super.connectedCallback(),document.addEventListener("pointerdown",this.#n)}disconnectedCallback(){document.removeEventListener("pointerdown",this.#n),super.disconnectedCallback()}render(){let{snapshot:e,announced:t}=this.feed?.getView()??{snapshot:null,announced:0},s=e?.unseen??0;return E`<div class="tidings tidings-bell" @keydown=${this.#e}>
      <button
        type="button"
        part="bell"
        aria-label=${this.tell("badge",{n:s})}
        aria-haspopup="dialog"
        aria-expanded=${this.open}
        aria-controls="inbox"
        title=${s>0?String(s):b}
        @click=${this.#t}
      >
        <slot name="icon">
          <svg viewBox="2 1 20 22" aria-hidden="true">
            <path
              d="M12 2a6 6 0 0 0-6 6v4.6L4.3 16a1 1 0 0 0 .9 1.5h13.6a1 1 0 0 0 .9-1.5L18 12.6V8a6 6 0 0 0-6-6Zm-2.8 17a2.9 2.9 0 0 0 5.6 0Z"
            />
          </svg>
        </slot>
        ${s>0?E`<span class="tidings-badge" part="badge" aria-hidden="true">${z(s)}</span>`:b}
      </button>
      <span role="status" class="tidings-hidden"
        >${t>0&&!this.open?this.tell("fresh",{n:t}):b}</span
      >
      <div id="inbox" class="tidings-popover" part="popover" role="dialog" aria-label=${this.tell("inbox")} ?hidden=${!this.open}>
        ${this.open?E`<tidings-inbox
                exportparts=${G}
                .client=${this.feed?.client}
                .words=${this.words}
                .push=${this.push}
                .lang=${this.lang}
              ></tidings-inbox>`:b}
      </div>
    </div>`}#t=async()=>{if(this.open=!this.open,!this.open)return;await this.updateComplete;let e=this.renderRoot.querySelector("tidings-inbox");await e?.updateComplete,e?.focus()};#e=e=>{e.key!=="Escape"||!this.open||(e.stopPropagation(),this.open=!1,this.renderRoot.querySelector("button")?.focus())};#n=e=>{this.open&&!e.composedPath().includes(this)&&(this.open=!1)}};import{html as a,nothing as c}from"./lit.js";import{repeat as ee}from"./lit.js";var F="tidings.push.declined";function H(i){return i.enabled||J()?null:i.state==="needs-install"?"install":i.state==="prompt"||i.state==="granted"?"ask":null}function L(){try{localStorage.setItem(F,"1")}catch{}}function J(){try{return localStorage.getItem(F)!==null}catch{return!1}}var Z={ArrowDown:(i,e)=>Math.min(i+1,e-1),ArrowUp:i=>Math.max(i-1,0),Home:()=>0,End:(i,e)=>e-1};function V(i,e,t){let s=[...e?.querySelectorAll(t)??[]],n=s.indexOf(i.target),r=Z[i.key]?.(n,s.length);return n===-1||r===void 0?!1:(i.preventDefault(),s[r]?.focus(),!0)}function R(i){let e=i.payload??{};return{id:i.id,type:i.type,title:v(e.title)??X(i.type),text:v(e.text)??v(e.body)??"",url:Q(e.url),at:i.created_at,isRead:i.read_at!==void 0,isSeen:i.seen_at!==void 0}}function v(i){return typeof i=="string"&&i!==""?i:null}function X(i){let e=i.replace(/[._]+/g," ");return e.charAt(0).toUpperCase()+e.slice(1)}function Q(i){let e=v(i);if(e===null)return null;try{let t=new URL(e,globalThis.location?.href);return t.protocol==="http:"||t.protocol==="https:"?t.href:null}catch{return null}}var x=class extends m{#t=null;disconnectedCallback(){this.feed?.setOpen(!1),super.disconnectedCallback()}followed(e){e.setOpen(!0)}updated(e){super.updated(e),this.hasAttribute("role")||this.setAttribute("role","region"),this.setAttribute("aria-label",this.tell("inbox"))}focus(){this.renderRoot.querySelector(".tidings-item, button")?.focus()}render(){let{feed:e}=this,t=e?.getView();return a`<div class="tidings tidings-inbox" part="inbox">
      ${t&&e?this.#e(e,t):a`<p class="tidings-note tidings-empty">${this.tell("loading")}</p>`}
    </div>`}#e(e,t){let{snapshot:s,items:n,tab:r,held:o,announced:l,failure:u}=t,{status:d,loaded:N,hasMore:k}=s,h=d==="offline"||d==="closed",w=N?r==="all"?"empty":"emptyUnread":"loading";return a`
      ${this.#n(e,t)}
      <p role="status" class="tidings-hidden">${l>0?this.tell("fresh",{n:l}):c}</p>
      ${o>0?a`<button type="button" class="tidings-pill" part="pill" @click=${()=>this.#l(e)}>
              ${this.tell("fresh",{n:o})}
            </button>`:c}
      ${u!==null?a`<p role="alert" class="tidings-note tidings-failure">${this.tell("failed",{reason:u})}</p>`:c}
      ${h?a`<p class="tidings-note">${this.tell("offline")}</p>`:c}
      <div
        class="tidings-scroll"
        part="list"
        @scroll=${p=>e.setAtTop(p.currentTarget.scrollTop<8)}
        @keydown=${p=>V(p,p.currentTarget,".tidings-item")}
      >
        ${n.length===0?a`<p class="tidings-note tidings-empty" part="empty">${this.tell(w)}</p>`:a`<ul class="tidings-list">
                ${ee(n,p=>p.id,(p,_)=>this.#i(e,p,_))}
              </ul>`}
        ${k?a`<button
                type="button"
                class="tidings-older"
                part="older"
                @click=${()=>e.attempt(e.client.fetchMore())}
              >
                ${this.tell("more")}
              </button>`:c}
      </div>
      ${this.push==="off"?c:this.#a(e,t)}
    `}#n(e,{snapshot:{unread:t},tab:s}){let n=(o,l)=>a`<button type="button" part="tab" aria-pressed=${o===s} @click=${()=>e.setTab(o)}>${l}</button>`,r=t>0?` (${t})`:"";return a`<div class="tidings-head" part="head">
      ${n("all",this.tell("all"))} ${n("unread",this.tell("unread")+r)}
      <button
        type="button"
        class="tidings-all"
        part="mark-all"
        ?disabled=${t===0}
        @click=${()=>e.attempt(e.client.markRead("all"))}
      >
        ${this.tell("markAllRead")}
      </button>
    </div>`}#i(e,t,s){let n=R(t),r=u=>this.#o(e,t,u),o=s===0?0:-1,l=a`${n.isRead?c:a`<span class="tidings-hidden">${this.tell("unread")}: </span>`}
      <strong dir="auto" part="title">${n.title}</strong>
      ${n.text===""?c:a`<p dir="auto" part="text">${n.text}</p>`}
      <time part="time" datetime=${n.at} title=${P(n.at,this.language)}
        >${I(n.at,Date.now(),this.language)}</time
      >`;return a`<li class=${n.isRead?"":"tidings-new"} part=${n.isRead?"entry":"entry entry-unread"}>
      ${n.url===null?a`<button type="button" class="tidings-item" part="item" tabindex=${o} @click=${r}>${l}</button>`:a`<a href=${n.url} class="tidings-item" part="item" tabindex=${o} @click=${r}>${l}</a>`}
      ${this.#s(e,n)}
    </li>`}#s(e,t){let{client:s}=e,n=this.#t===t.id,r=l=>{this.#t=l,this.requestUpdate()},o=(l,u)=>a`<button type="button" part="action" @click=${()=>{r(null),e.attempt(u())}}>${l}</button>`;return a`<button
        type="button"
        class="tidings-more"
        part="more"
        aria-label=${this.tell("actions",{title:t.title})}
        aria-expanded=${n}
        @click=${()=>r(n?null:t.id)}
      >
        ⋯
      </button>
      ${n?a`<div class="tidings-actions" part="actions">
              ${t.isRead?o(this.tell("markUnread"),()=>s.markUnread(t.id)):o(this.tell("markRead"),()=>s.markRead(t.id))}
              ${o(this.tell("archive"),()=>s.archive(t.id))}
              ${o(this.tell("delete"),()=>s.delete(t.id))}
              ${o(this.tell("mute",{type:t.type}),()=>s.mutes.add(t.type))}
            </div>`:c}`}#a(e,{snapshot:t}){let s=H(t.push);if(s===null)return c;let n=()=>{L(),this.requestUpdate()};return a`<div class="tidings-ask" part="ask">
      <span>${this.tell(s==="ask"?"pushAsk":"pushInstall")}</span>
      ${s==="ask"?a`<button type="button" @click=${()=>e.attempt(e.client.push.enable())}>${this.tell("pushYes")}</button>`:c}
      <button type="button" @click=${n}>${this.tell("pushNo")}</button>
    </div>`}#o(e,t,s){t.read_at===void 0&&e.attempt(e.client.markRead(t.id));let n=new CustomEvent("tidings-open",{detail:t,bubbles:!0,composed:!0,cancelable:!0});this.dispatchEvent(n)||s.preventDefault()}#l(e){this.renderRoot.querySelector(".tidings-scroll")?.scrollTo({top:0}),e.setAtTop(!0),this.updateComplete.then(()=>this.renderRoot.querySelector(".tidings-item")?.focus())}};var te={inbox:"Mitteilungen",all:"Alle",unread:"Ungelesen",markAllRead:"Alle als gelesen markieren",markRead:"Als gelesen markieren",markUnread:"Als ungelesen markieren",archive:"Archivieren",delete:"L\xF6schen",mute:"{type} stummschalten",actions:"Aktionen f\xFCr {title}",more:"\xC4ltere zeigen",empty:"Noch nichts da",emptyUnread:"Alles gelesen",loading:"Wird geladen\u2026",offline:"Nicht verbunden",failed:"Das ging nicht: {reason}",fresh:{one:"{n} neue Mitteilung",other:"{n} neue Mitteilungen"},badge:{zero:"Mitteilungen",one:"Mitteilungen, {n} neue",other:"Mitteilungen, {n} neue"},pushAsk:"Davon h\xF6ren, wenn diese Seite geschlossen ist?",pushYes:"Ja, bitte",pushNo:"Nicht jetzt",pushInstall:"Um davon zu h\xF6ren, wenn diese Seite geschlossen ist, lege sie zuerst auf den Home-Bildschirm.",typing:{one:"{users} tippt\u2026",other:"{users} tippen\u2026"}};function W(i,e){customElements.get(i)||customElements.define(i,e)}W("tidings-inbox",x);W("tidings-bell",y);export{y as TidingsBell,x as TidingsInbox,$ as english,te as german,R as itemOf};
