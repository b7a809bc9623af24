import{html as E,nothing as y,unsafeCSS as Q}from"./lit.js";var M=`
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
`;function U(i){if(!i)return;i.classList.remove("tidings-start");let{left:e,right:t}=i.getBoundingClientRect();(e<0||t>innerWidth)&&i.classList.add("tidings-start")}function P(i,e){let t=n=>n.composedPath().includes(i)||e(!1),s=n=>n.key==="Escape"&&e(!0);return document.addEventListener("pointerdown",t),document.addEventListener("keydown",s),()=>{document.removeEventListener("pointerdown",t),document.removeEventListener("keydown",s)}}var g=`
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
.tidings-list>li{position:relative;border-block-end:1px solid var(--border)}
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
.tidings .tidings-older{display:block;width:100%;color:var(--accent);text-align:center}
`;var T={inbox:"Notifications",all:"All",unread:"Unread",markAllRead:"Mark all as read",markRead:"Mark as read",markUnread:"Mark as unread",archive:"Archive",delete:"Delete",mute:"Mute {type}",actions:"Actions for {title}",more:"Show older",empty:"Nothing here yet",emptyUnread:"All read",loading:"Loading\u2026",offline:"Not connected",failed:"That did not work: {reason}",fresh:{one:"{n} new notification",other:"{n} new notifications"},badge:{zero:"Notifications",one:"Notifications, {n} new",other:"Notifications, {n} new"},pushAsk:"Hear of them when this page is closed?",pushYes:"Notify me",pushNo:"Not now",pushInstall:"To hear of them when this page is closed, add it to your home screen first."};function I(i,e,t={},s){let n=i[e];return(typeof n=="string"?n:K(n,Number(t.n),s)).replace(/\{(\w+)\}/g,(o,l)=>String(t[l]??o))}function K(i,e,t){let s=e===0&&i.zero!==void 0?"zero":new Intl.PluralRules(t).select(e);return i[s]??i.other??""}var C=99;function O(i){return i>C?`${C}+`:String(i)}import{LitElement as Z,unsafeCSS as X}from"./lit.js";var f=class{client;#e=new Set;#t;#r=!1;#i=null;#n=0;#a=0;#o;#l=null;#c=[];constructor(e){this.client=e;let t=e.getSnapshot();this.#t={snapshot:t,tab:"all",items:t.items,held:0,announced:0,failure:null}}getView=()=>this.#t;subscribe=e=>(this.#e.size===0&&this.#p(),this.#e.add(e),()=>{this.#e.delete(e),this.#e.size===0&&this.#h()});setTab(e){this.#i=null,this.#s({tab:e})}setOpen(e){this.#r=e,e||(this.#i=null),this.#s({}),this.#d()}setAtTop(e){let t=e?null:this.#i??this.#t.snapshot.items[0]?.position??null;t!==this.#i&&(this.#i=t,this.#s({}),e&&this.#d())}async attempt(e){try{return await e,this.#t.failure!==null&&this.#s({failure:null}),!0}catch(t){return this.#s({failure:t instanceof Error?t.message:String(t)}),!1}}#p(){let{client:e}=this;this.#c=[e.subscribe(()=>{this.#s({}),this.#d()}),e.on("notification",()=>this.#u(1))],this.#s({})}#h(){for(let e of this.#c.splice(0))e();clearTimeout(this.#o),this.#o=void 0}#s(e){let t=this.client.getSnapshot(),{tab:s,announced:n,failure:r}={...this.#t,...e},o=this.#i===null?0:G(t.items,this.#i),l=o===0?t.items:t.items.slice(o),u=s==="all"?l:l.filter(h=>h.read_at===void 0),d=this.#t;if(d.snapshot===t&&d.tab===s&&d.held===o&&d.announced===n&&d.failure===r)return;let k=u.length===d.items.length&&u.every((h,$)=>h===d.items[$]);this.#t={snapshot:t,tab:s,items:k?d.items:u,held:o,announced:n,failure:r};for(let h of this.#e)h()}#d(){let{snapshot:e,held:t}=this.#t,s=this.#r&&globalThis.document?.visibilityState!=="hidden",n=e.items[0]?.position??null;!s||t>0||e.unseen===0||!e.loaded||n===this.#l||(this.#l=n,this.attempt(this.client.markSeen()))}#u(e){this.#n+=e;let t=Math.max(300,this.#a+5e3-Date.now());this.#o??=setTimeout(()=>this.#m(),t)}#m(){this.#a=Date.now(),this.#s({announced:this.#n}),this.#n=0,this.#o=setTimeout(()=>{this.#o=void 0,this.#s({announced:0}),this.#n>0&&this.#u(0)},3e3)}};function G(i,e){let[t,s]=D(e),n=i.findIndex(r=>{let[o,l]=D(r.position);return o!==t||l<=s});return n===-1?i.length:n}function D(i){let e=i.lastIndexOf(".");return[i.slice(0,e),Number(i.slice(e+1))]}function L(i,e,t){let s=Date.parse(i),n=Math.max(0,e-s);if(n>=7*864e5)return new Intl.DateTimeFormat(t,{dateStyle:"medium"}).format(s);let r=new Intl.RelativeTimeFormat(t,{numeric:"auto"});return n<6e4?r.format(0,"second"):n<36e5?r.format(-Math.floor(n/6e4),"minute"):n<864e5?r.format(-Math.floor(n/36e5),"hour"):r.format(-Math.floor(n/864e5),"day")}function F(i,e){return new Intl.DateTimeFormat(e,{dateStyle:"full",timeStyle:"medium"}).format(Date.parse(i))}var b=new Set,S;function z(i){return b.add(i),S??=setInterval(()=>{for(let e of b)e()},6e4/2),()=>{b.delete(i),b.size===0&&(clearInterval(S),S=void 0)}}var R=new Map;function H(i,e){let t=JSON.stringify([i.url,i.token]),s=R.get(t)??{client:J(i),users:0};R.set(t,s),s.users+=1;let n=!0;return s.client.then(r=>n&&e(r)),()=>{n=!1,s.users-=1,!(s.users>0)&&(R.delete(t),s.client.then(r=>r.close()))}}async function J(i){let{createTidings:e}=await import("./tidings.js"),t=e(i);return t.connect(),t}var m=class extends Z{static styles=X(g);static properties={client:{attribute:!1},words:{attribute:!1},url:{},token:{},push:{}};feed;#e=[];#t=()=>{};constructor(){super(),this.words=T}connectedCallback(){super.connectedCallback(),this.#t=z(()=>this.requestUpdate()),this.hasUpdated&&this.#r()}disconnectedCallback(){super.disconnectedCallback(),this.#t(),this.#n()}willUpdate(e){["client","url","token"].some(t=>e.has(t))&&(this.#n(),this.isConnected&&this.#r())}followed(e){}get language(){return this.closest("[lang]:not([lang=''])")?.lang||document.documentElement.lang||void 0}tell(e,t){return I(this.words,e,t,this.language)}#r(){let{client:e,url:t,token:s}=this;e?this.#i(e):(t!==void 0||s!==void 0)&&this.#e.push(H({...t&&{url:t},...s&&{token:s}},n=>this.#i(n)))}#i(e){let t=new f(e);this.feed=t,this.#e.push(t.subscribe(()=>this.requestUpdate())),this.followed(t),this.requestUpdate()}#n(){for(let e of this.#e.splice(0))e();this.feed=void 0}};var ee="inbox,head,tab,mark-all,pill,list,empty,entry,entry-unread,item,title,text,time,more,actions,action,older,ask",v=class extends m{static styles=Q(g+M);static properties={open:{type:Boolean,reflect:!0}};#e=()=>{};constructor(){super(),this.open=!1}disconnectedCallback(){this.#e(),super.disconnectedCallback()}updated(e){super.updated(e),e.has("open")&&this.#t()}render(){let{snapshot:e,announced:t}=this.feed?.getView()??{snapshot:null,announced:0},s=e?.unseen??0;return E`<div class="tidings tidings-bell">
      <button
        type="button"
        part="bell"
        aria-label=${this.tell("badge",{n:s})}
        aria-haspopup="dialog"
        aria-expanded=${this.open}
        aria-controls="inbox"
        title=${s>0?String(s):y}
        @click=${()=>{this.open=!this.open}}
      >
        <slot name="icon">
          <svg viewBox="2 1 20 22" aria-hidden="true">
            <path
              d="M12 2a6 6 0 0 0-6 6v4.6L4.3 16a1 1 0 0 0 .9 1.5h13.6a1 1 0 0 0 .9-1.5L18 12.6V8a6 6 0 0 0-6-6Zm-2.8 17a2.9 2.9 0 0 0 5.6 0Z"
            />
          </svg>
        </slot>
        ${s>0?E`<span class="tidings-badge" part="badge" aria-hidden="true">${O(s)}</span>`:y}
      </button>
      <span role="status" class="tidings-hidden"
        >${t>0&&!this.open?this.tell("fresh",{n:t}):y}</span
      >
      <div id="inbox" class="tidings-popover" part="popover" role="dialog" aria-label=${this.tell("inbox")} ?hidden=${!this.open}>
        ${this.open?E`<tidings-inbox
                exportparts=${ee}
                .client=${this.feed?.client}
                .words=${this.words}
                .push=${this.push}
                .lang=${this.language??""}
              ></tidings-inbox>`:y}
      </div>
    </div>`}#t(){if(this.#e(),!this.open)return;U(this.renderRoot.querySelector(".tidings-popover")),this.#e=P(this,t=>{this.open=!1,t&&this.renderRoot.querySelector("button")?.focus()});let e=this.renderRoot.querySelector("tidings-inbox");e?.updateComplete.then(()=>e.focus())}};import{html as a,nothing as c}from"./lit.js";import{repeat as re}from"./lit.js";var V="tidings.push.declined";function W(i){return i.enabled||te()?null:i.state==="needs-install"?"install":i.state==="prompt"||i.state==="granted"?"ask":null}function _(){try{localStorage.setItem(V,"1")}catch{}}function te(){try{return localStorage.getItem(V)!==null}catch{return!1}}var ie={ArrowDown:(i,e)=>Math.min(i+1,e-1),ArrowUp:i=>Math.max(i-1,0),Home:()=>0,End:(i,e)=>e-1};function q(i,e,t){let s=[...e?.querySelectorAll(t)??[]],n=s.indexOf(i.target),r=ie[i.key]?.(n,s.length);return n===-1||r===void 0?!1:(i.preventDefault(),s[r]?.focus(),!0)}function j(i){let{activeElement:e}=i;(!e||e===document.body)&&i.querySelector(".tidings-item")?.focus()}function N(i){let e=i.payload??{};return{id:i.id,type:i.type,title:x(e.title)??ne(i.type),text:x(e.text)??x(e.body)??"",url:se(e.url),at:i.created_at,isRead:i.read_at!==void 0,isSeen:i.seen_at!==void 0}}function x(i){return typeof i=="string"&&i!==""?i:null}function ne(i){let e=i.replace(/[._]+/g," ");return e.charAt(0).toUpperCase()+e.slice(1)}function se(i){let e=x(i);if(e===null)return null;try{let t=new URL(e,globalThis.location?.href);return t.protocol==="http:"||t.protocol==="https:"?t.href:null}catch{return null}}var w=class extends m{#e=null;disconnectedCallback(){this.feed?.setOpen(!1),super.disconnectedCallback()}followed(e){e.setOpen(!0)}updated(e){super.updated(e),this.hasAttribute("role")||this.setAttribute("role","region"),this.setAttribute("aria-label",this.tell("inbox"))}focus(){this.renderRoot.querySelector(".tidings-item, button")?.focus()}render(){let{feed:e}=this,t=e?.getView();return a`<div class="tidings tidings-inbox" part="inbox">
      ${t&&e?this.#t(e,t):a`<p class="tidings-note tidings-empty">${this.tell("loading")}</p>`}
    </div>`}#t(e,t){let{snapshot:s,items:n,tab:r,held:o,announced:l,failure:u}=t,{status:d,loaded:A,hasMore:k}=s,h=d==="offline"||d==="closed",$=A?r==="all"?"empty":"emptyUnread":"loading";return a`
      ${this.#r(e,t)}
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
        @keydown=${p=>q(p,p.currentTarget,".tidings-item")}
      >
        ${n.length===0?a`<p class="tidings-note tidings-empty" part="empty">${this.tell($)}</p>`:a`<ul class="tidings-list">
                ${re(n,p=>p.id,(p,B)=>this.#i(e,p,B))}
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
    `}#r(e,{snapshot:{unread:t},tab:s}){let n=(o,l)=>a`<button type="button" part="tab" aria-pressed=${o===s} @click=${()=>e.setTab(o)}>${l}</button>`,r=t>0?` (${t})`:"";return a`<div class="tidings-head" part="head">
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
    </div>`}#i(e,t,s){let n=N(t),r=u=>this.#o(e,t,u),o=s===0?0:-1,l=a`${n.isRead?c:a`<span class="tidings-hidden">${this.tell("unread")}: </span>`}
      <strong dir="auto" part="title">${n.title}</strong>
      ${n.text===""?c:a`<p dir="auto" part="text">${n.text}</p>`}
      <time part="time" datetime=${n.at} title=${F(n.at,this.language)}
        >${L(n.at,Date.now(),this.language)}</time
      >`;return a`<li class=${n.isRead?"":"tidings-new"} part=${n.isRead?"entry":"entry entry-unread"}>
      ${n.url===null?a`<button type="button" class="tidings-item" part="item" tabindex=${o} @click=${r}>${l}</button>`:a`<a href=${n.url} class="tidings-item" part="item" tabindex=${o} @click=${r}>${l}</a>`}
      ${this.#n(e,n)}
    </li>`}#n(e,t){let{client:s}=e,n=this.#e===t.id,r=l=>{this.#e=l,this.requestUpdate()},o=(l,u)=>a`<button type="button" part="action" @click=${async()=>{r(null),await e.attempt(u()),await this.updateComplete,j(this.renderRoot)}}>${l}</button>`;return a`<button
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
            </div>`:c}`}#a(e,{snapshot:t}){let s=W(t.push);if(s===null)return c;let n=()=>{_(),this.requestUpdate()};return a`<div class="tidings-ask" part="ask">
      <span>${this.tell(s==="ask"?"pushAsk":"pushInstall")}</span>
      ${s==="ask"?a`<button type="button" @click=${()=>e.attempt(e.client.push.enable())}>${this.tell("pushYes")}</button>`:c}
      <button type="button" @click=${n}>${this.tell("pushNo")}</button>
    </div>`}#o(e,t,s){t.read_at===void 0&&e.attempt(e.client.markRead(t.id));let n=new CustomEvent("tidings-open",{detail:t,bubbles:!0,composed:!0,cancelable:!0});this.dispatchEvent(n)||s.preventDefault()}#l(e){this.renderRoot.querySelector(".tidings-scroll")?.scrollTo({top:0}),e.setAtTop(!0),this.updateComplete.then(()=>this.renderRoot.querySelector(".tidings-item")?.focus())}};var oe={inbox:"Mitteilungen",all:"Alle",unread:"Ungelesen",markAllRead:"Alle als gelesen markieren",markRead:"Als gelesen markieren",markUnread:"Als ungelesen markieren",archive:"Archivieren",delete:"L\xF6schen",mute:"{type} stummschalten",actions:"Aktionen f\xFCr {title}",more:"\xC4ltere zeigen",empty:"Noch nichts da",emptyUnread:"Alles gelesen",loading:"Wird geladen\u2026",offline:"Nicht verbunden",failed:"Das ging nicht: {reason}",fresh:{one:"{n} neue Mitteilung",other:"{n} neue Mitteilungen"},badge:{zero:"Mitteilungen",one:"Mitteilungen, {n} neue",other:"Mitteilungen, {n} neue"},pushAsk:"Davon h\xF6ren, wenn diese Seite geschlossen ist?",pushYes:"Ja, bitte",pushNo:"Nicht jetzt",pushInstall:"Um davon zu h\xF6ren, wenn diese Seite geschlossen ist, lege sie zuerst auf den Home-Bildschirm."};function Y(i,e){customElements.get(i)||customElements.define(i,e)}Y("tidings-inbox",w);Y("tidings-bell",v);export{v as TidingsBell,w as TidingsInbox,T as english,oe as german,N as itemOf};
