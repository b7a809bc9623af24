import{LitElement as de,unsafeCSS as le}from"./lit.js";var m=class{#t=new Set;#e;#i=[];constructor(e){this.#e=e}subscribe=e=>(this.#t.size===0&&(this.#i=this.#e()),this.#t.add(e),()=>{if(!(!this.#t.delete(e)||this.#t.size>0))for(let t of this.#i)t()});tell(){for(let e of this.#t)e()}};var ie=5e3,ne=300,se=3e3,x=class{client;#t=new m(()=>this.#p());#e;#i;#r=!1;#n=null;#a=0;#d=0;#s;#c=null;constructor(e){this.client=e,this.#e=O(e.getSnapshot()),this.#i=O(e.getServerSnapshot())}getView=()=>this.#e;getServerView=()=>this.#i;subscribe=this.#t.subscribe;setTab(e){this.#n=null,this.#o({tab:e})}setOpen(e){this.#r=e,e||(this.#n=null),this.#o({}),this.#l()}hush(){clearTimeout(this.#s),this.#s=void 0,this.#a=0,this.#o({announced:0})}setAtTop(e){let t=e?null:this.#n??this.#e.snapshot.items[0]?.position??null;t!==this.#n&&(this.#n=t,this.#o({}),e&&this.#l())}async attempt(e){try{return await e,this.#e.failure!==null&&this.#o({failure:null}),!0}catch(t){return this.#o({failure:t instanceof Error?t.message:String(t)}),!1}}#p(){let{client:e}=this,t=new AbortController;return this.#o({}),globalThis.document?.addEventListener("visibilitychange",()=>this.#l(),t),[()=>t.abort(),e.subscribe(()=>{this.#o({}),this.#l()}),e.on("notification",()=>this.#u(1)),()=>{clearTimeout(this.#s),this.#s=void 0}]}#o(e){let t=this.client.getSnapshot(),{tab:n,announced:s,failure:r}={...this.#e,...e},o=this.#n===null?0:re(t.items,this.#n),d=o===0?t.items:t.items.slice(o),c=n==="all"?d:d.filter(b=>b.read_at===void 0),l=this.#e;if(l.snapshot===t&&l.tab===n&&l.held===o&&l.announced===s&&l.failure===r)return;let A=c.length===l.items.length&&c.every((b,U)=>b===l.items[U]);this.#e={snapshot:t,tab:n,items:A?l.items:c,held:o,announced:s,failure:r},this.#t.tell()}#l(){let{snapshot:e,held:t}=this.#e,n=this.#r&&!globalThis.document?.hidden,s=e.items[0]?.position??null;!n||t>0||e.unseen===0||!e.loaded||s===this.#c||(this.#c=s,this.attempt(this.client.markSeen()))}#u(e){this.#a+=e;let t=Math.max(ne,this.#d+ie-Date.now());this.#s??=setTimeout(()=>this.#h(),t)}#h(){this.#d=Date.now(),this.#o({announced:this.#a}),this.#a=0,this.#s=setTimeout(()=>{this.#s=void 0,this.#o({announced:0}),this.#a>0&&this.#u(0)},se)}};function O(i){return{snapshot:i,tab:"all",items:i.items,held:0,announced:0,failure:null}}function re(i,e){let[t,n]=D(e),s=i.findIndex(r=>{let[o,d]=D(r.position);return o!==t||d<=n});return s===-1?i.length:s}function D(i){let e=i.lastIndexOf(".");return[i.slice(0,e),Number(i.slice(e+1))]}var g=`
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
`;function V(i,e,t){let n=Date.parse(i),s=Math.max(0,e-n);if(s>=7*864e5)return new Intl.DateTimeFormat(t,{dateStyle:"medium"}).format(n);let r=new Intl.RelativeTimeFormat(t,{numeric:"auto"});return s<6e4?r.format(0,"second"):s<36e5?r.format(-Math.floor(s/6e4),"minute"):s<864e5?r.format(-Math.floor(s/36e5),"hour"):r.format(-Math.floor(s/864e5),"day")}function H(i,e){return new Intl.DateTimeFormat(e,{dateStyle:"full",timeStyle:"medium"}).format(Date.parse(i))}var w=new Set,C;function z(i){return w.add(i),C??=setInterval(()=>{for(let e of w)e()},6e4/2),()=>{w.delete(i),w.size===0&&(clearInterval(C),C=void 0)}}var L={inbox:"Notifications",all:"All",unread:"Unread",markAllRead:"Mark all as read",markRead:"Mark as read",markUnread:"Mark as unread",archive:"Archive",delete:"Delete",mute:"Mute {type}",actions:"Actions for {title}",dismiss:"Dismiss",more:"Show older",empty:"Nothing here yet",emptyUnread:"All read",loading:"Loading\u2026",offline:"Not connected",failed:"That did not work: {reason}",fresh:{one:"{n} new notification",other:"{n} new notifications"},badge:{zero:"Notifications",one:"Notifications, {n} new",other:"Notifications, {n} new"},pushAsk:"Hear of them when this page is closed?",pushYes:"Notify me",pushNo:"Not now",pushInstall:"To hear of them when this page is closed, add it to your home screen first."};function W(i,e,t={},n){let s=i[e];return(typeof s=="string"?s:oe(s,Number(t.n),n)).replace(/\{(\w+)\}/g,(o,d)=>String(t[d]??o))}function oe(i,e,t){let n=e===0&&i.zero!==void 0?"zero":new Intl.PluralRules(t).select(e);return i[n]??i.other??""}var q=99;function j(i){return i>q?`${q}+`:String(i)}var k=new Map;function _(i,e){let t=JSON.stringify([i.url,i.token]),n=k.get(t)??{client:ae(i),users:0};k.set(t,n),n.users+=1;let s=!0;return n.client.then(r=>s&&e(r)),()=>{s=!1,n.users-=1,queueMicrotask(()=>{n.users>0||k.get(t)!==n||(k.delete(t),n.client.then(r=>r.close()))})}}async function ae(i){let{createTidings:e}=await import("./tidings.js"),t=e(i);return t.connect(),t}var p=class i extends de{static styles=le(g);static server;static properties={client:{attribute:!1},words:{attribute:!1},url:{},token:{},push:{}};feed;#t=[];#e=()=>{};constructor(){super(),this.words=L}connectedCallback(){super.connectedCallback(),this.#e=z(()=>this.requestUpdate()),this.hasUpdated&&this.#i()}disconnectedCallback(){super.disconnectedCallback(),this.#e(),this.#n()}willUpdate(e){["client","url","token"].some(t=>e.has(t))&&(this.#n(),this.isConnected&&this.#i())}followed(e){}get language(){return this.closest("[lang]:not([lang=''])")?.lang||document.documentElement.lang||void 0}tell(e,t){return W(this.words,e,t,this.language)}#i(){let{client:e,url:t=i.server,token:n}=this;e?this.#r(e):(t!==void 0||n!==void 0)&&this.#t.push(_({...t&&{url:t},...n&&{token:n}},s=>this.#r(s)))}#r(e){let t=new x(e);this.feed=t,this.#t.push(t.subscribe(()=>this.requestUpdate())),this.followed(t),this.requestUpdate()}#n(){for(let e of this.#t.splice(0))e();this.feed=void 0}};import{html as P,nothing as $,unsafeCSS as ce}from"./lit.js";var Y=`
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
`;function B(i){if(!i)return;i.classList.remove("tidings-start");let{left:e,right:t}=i.getBoundingClientRect();(e<0||t>innerWidth)&&i.classList.add("tidings-start")}function K(i,e){let t=s=>s.composedPath().includes(i)||e(!1),n=s=>s.key==="Escape"&&e(!0);return document.addEventListener("pointerdown",t),document.addEventListener("keydown",n),()=>{document.removeEventListener("pointerdown",t),document.removeEventListener("keydown",n)}}var ue="inbox,head,tab,mark-all,pill,list,empty,entry,entry-unread,item,title,text,time,more,actions,action,older,ask",T=class extends p{static styles=ce(g+Y);static properties={open:{type:Boolean,reflect:!0}};#t=()=>{};constructor(){super(),this.open=!1}disconnectedCallback(){this.#t(),super.disconnectedCallback()}willUpdate(e){super.willUpdate(e),e.has("open")&&this.feed?.hush()}updated(e){super.updated(e),e.has("open")&&this.#e()}render(){let{snapshot:e,announced:t}=this.feed?.getView()??{snapshot:null,announced:0},n=e?.unseen??0;return P`<div class="tidings tidings-bell">
      <button
        type="button"
        part="bell"
        aria-label=${this.tell("badge",{n})}
        aria-haspopup="dialog"
        aria-expanded=${this.open}
        aria-controls="inbox"
        title=${n>0?String(n):$}
        @click=${()=>{this.open=!this.open}}
      >
        <slot name="icon">
          <svg viewBox="2 1 20 22" aria-hidden="true">
            <path
              d="M12 2a6 6 0 0 0-6 6v4.6L4.3 16a1 1 0 0 0 .9 1.5h13.6a1 1 0 0 0 .9-1.5L18 12.6V8a6 6 0 0 0-6-6Zm-2.8 17a2.9 2.9 0 0 0 5.6 0Z"
            />
          </svg>
        </slot>
        ${n>0?P`<span class="tidings-badge" part="badge" aria-hidden="true">${j(n)}</span>`:$}
      </button>
      <span role="status" class="tidings-hidden"
        >${t>0&&!this.open?this.tell("fresh",{n:t}):$}</span
      >
      <div id="inbox" class="tidings-popover" part="popover" role="dialog" aria-label=${this.tell("inbox")} ?hidden=${!this.open}>
        ${this.open?P`<tidings-inbox
                exportparts=${ue}
                .client=${this.feed?.client}
                .words=${this.words}
                .push=${this.push}
                .lang=${this.language??""}
              ></tidings-inbox>`:$}
      </div>
    </div>`}#e(){if(this.#t(),!this.open)return;B(this.renderRoot.querySelector(".tidings-popover")),this.#t=K(this,t=>{this.open=!1,t&&this.renderRoot.querySelector("button")?.focus()});let e=this.renderRoot.querySelector("tidings-inbox");e?.updateComplete.then(()=>e.focus())}};import{html as a,nothing as u}from"./lit.js";import{repeat as fe}from"./lit.js";var G="tidings.push.declined";function J(i){return i.enabled||pe()?null:i.state==="needs-install"?"install":i.state==="prompt"||i.state==="granted"?"ask":null}function Z(){try{localStorage.setItem(G,"1")}catch{}}function pe(){try{return localStorage.getItem(G)!==null}catch{return!1}}var he={ArrowDown:(i,e)=>Math.min(i+1,e-1),ArrowUp:i=>Math.max(i-1,0),Home:()=>0,End:(i,e)=>e-1};function X(i,e,t){let n=[...e?.querySelectorAll(t)??[]],s=n.indexOf(i.target),r=he[i.key]?.(s,n.length);return s===-1||r===void 0?!1:(i.preventDefault(),n[r]?.focus(),!0)}function Q(i){let e=i?.closest(".tidings-inbox");if(!e)return;let t=[...e.querySelectorAll("li")].indexOf(i);i?.querySelector(".tidings-more")?.focus(),requestAnimationFrame(()=>{let n=e.querySelectorAll(".tidings-item");i?.isConnected||(n[Math.min(t,n.length-1)]??e.querySelector("button"))?.focus()})}function v(i){let e=i.payload??{};return{id:i.id,type:i.type,title:S(e.title)??me(i.type),text:S(e.text)??S(e.body)??"",url:ge(e.url),at:i.created_at,isRead:i.read_at!==void 0,isSeen:i.seen_at!==void 0}}function S(i){return typeof i=="string"&&i!==""?i:null}function me(i){let e=i.replace(/[._]+/g," ");return e.charAt(0).toUpperCase()+e.slice(1)}function ge(i){let e=S(i);if(e===null)return null;try{let t=new URL(e,globalThis.location?.href);return t.protocol==="http:"||t.protocol==="https:"?t.href:null}catch{return null}}function I(i,e){let t=new CustomEvent("tidings-open",{detail:e,bubbles:!0,composed:!0,cancelable:!0});return i.dispatchEvent(t)}var E=class extends p{#t=null;disconnectedCallback(){this.feed?.setOpen(!1),super.disconnectedCallback()}followed(e){e.setOpen(!0)}updated(e){super.updated(e),this.hasAttribute("role")||this.setAttribute("role","region"),this.setAttribute("aria-label",this.tell("inbox"))}focus(){this.renderRoot.querySelector(".tidings-item, button")?.focus()}render(){let{feed:e}=this,t=e?.getView();return a`<div class="tidings tidings-inbox" part="inbox">
      ${t&&e?this.#e(e,t):a`<p class="tidings-note tidings-empty">${this.tell("loading")}</p>`}
    </div>`}#e(e,t){let{snapshot:n,items:s,tab:r,held:o,announced:d,failure:c}=t,{status:l,loaded:y,hasMore:A}=n,b=l==="offline"||l==="closed",U=y?r==="all"?"empty":"emptyUnread":"loading";return a`
      ${this.#i(e,t)}
      <p role="status" class="tidings-hidden">${d>0?this.tell("fresh",{n:d}):u}</p>
      ${o>0?a`<button type="button" class="tidings-pill" part="pill" @click=${()=>this.#s(e)}>
              ${this.tell("fresh",{n:o})}
            </button>`:u}
      ${c!==null?a`<p role="alert" class="tidings-note tidings-failure">${this.tell("failed",{reason:c})}</p>`:u}
      ${b?a`<p class="tidings-note">${this.tell("offline")}</p>`:u}
      <div
        class="tidings-scroll"
        part="list"
        @scroll=${h=>e.setAtTop(h.currentTarget.scrollTop<8)}
        @keydown=${h=>X(h,h.currentTarget,".tidings-item")}
      >
        ${s.length===0?a`<p class="tidings-note tidings-empty" part="empty">${this.tell(U)}</p>`:a`<ul class="tidings-list">
                ${fe(s,h=>h.id,(h,te)=>this.#r(e,h,te))}
              </ul>`}
        ${A?a`<button
                type="button"
                class="tidings-older"
                part="older"
                @click=${()=>e.attempt(e.client.fetchMore())}
              >
                ${this.tell("more")}
              </button>`:u}
      </div>
      ${this.push==="off"?u:this.#a(e,t)}
    `}#i(e,{snapshot:{unread:t},tab:n}){let s=(o,d)=>a`<button type="button" part="tab" aria-pressed=${o===n} @click=${()=>e.setTab(o)}>${d}</button>`,r=t>0?` (${t})`:"";return a`<div class="tidings-head" part="head">
      ${s("all",this.tell("all"))} ${s("unread",this.tell("unread")+r)}
      <button
        type="button"
        class="tidings-all"
        part="mark-all"
        ?disabled=${t===0}
        @click=${()=>e.attempt(e.client.markRead("all"))}
      >
        ${this.tell("markAllRead")}
      </button>
    </div>`}#r(e,t,n){let s=v(t),r=c=>this.#d(e,t,c),o=n===0?0:-1,d=a`${s.isRead?u:a`<span class="tidings-hidden">${this.tell("unread")}: </span>`}
      <strong dir="auto" part="title">${s.title}</strong>
      ${s.text===""?u:a`<p dir="auto" part="text">${s.text}</p>`}
      <time part="time" datetime=${s.at} title=${H(s.at,this.language)}
        >${V(s.at,Date.now(),this.language)}</time
      >`;return a`<li class=${s.isRead?"":"tidings-new"} part=${s.isRead?"entry":"entry entry-unread"}>
      ${s.url===null?a`<button type="button" class="tidings-item" part="item" tabindex=${o} @click=${r}>${d}</button>`:a`<a href=${s.url} class="tidings-item" part="item" tabindex=${o} @click=${r}>${d}</a>`}
      ${this.#n(e,s)}
    </li>`}#n(e,t){let{client:n}=e,s=this.#t===t.id,r=d=>{this.#t=d,this.requestUpdate()},o=(d,c)=>a`<button type="button" part="action" @click=${({currentTarget:y})=>{Q(y.closest("li")),r(null),e.attempt(c())}}>${d}</button>`;return a`<button
        type="button"
        class="tidings-more"
        part="more"
        aria-label=${this.tell("actions",{title:t.title})}
        aria-expanded=${s}
        @click=${()=>r(s?null:t.id)}
      >
        ⋯
      </button>
      ${s?a`<div class="tidings-actions" part="actions">
              ${t.isRead?o(this.tell("markUnread"),()=>n.markUnread(t.id)):o(this.tell("markRead"),()=>n.markRead(t.id))}
              ${o(this.tell("archive"),()=>n.archive(t.id))}
              ${o(this.tell("delete"),()=>n.delete(t.id))}
              ${o(this.tell("mute",{type:t.type}),()=>n.mutes.add(t.type))}
            </div>`:u}`}#a(e,{snapshot:t}){let n=J(t.push);if(n===null)return u;let s=()=>{Z(),this.requestUpdate()};return a`<div class="tidings-ask" part="ask">
      <span>${this.tell(n==="ask"?"pushAsk":"pushInstall")}</span>
      ${n==="ask"?a`<button type="button" @click=${()=>e.attempt(e.client.push.enable())}>${this.tell("pushYes")}</button>`:u}
      <button type="button" @click=${s}>${this.tell("pushNo")}</button>
    </div>`}#d(e,t,n){t.read_at===void 0&&e.attempt(e.client.markRead(t.id)),I(this,t)||n.preventDefault()}#s(e){this.renderRoot.querySelector(".tidings-scroll")?.scrollTo({top:0}),e.setAtTop(!0),this.updateComplete.then(()=>this.renderRoot.querySelector(".tidings-item")?.focus())}};import{html as f,nothing as be,unsafeCSS as ve}from"./lit.js";import{repeat as ye}from"./lit.js";var R=[],N=class{client;duration=6e3;max=3;#t=new m(()=>this.#n());#e=new Map;#i=R;#r=!1;constructor(e){this.client=e}getView=()=>this.#i;getServerView=()=>R;subscribe=this.#t.subscribe;hold(e){this.#r=e,this.#s()}dismiss(e){this.#r=!1,this.#d(this.#i.filter(t=>t.id!==e))}open({id:e}){this.client.markRead(e).catch(()=>{}),this.dismiss(e)}#n(){let{client:e}=this,t=()=>this.#s();return document.addEventListener("visibilitychange",t),[e.on("notification",n=>this.#d([n,...this.#i].slice(0,this.max))),e.subscribe(()=>this.#a()),()=>document.removeEventListener("visibilitychange",t),()=>this.#d(R)]}#a(){let{items:e}=this.client.getSnapshot();for(let{id:t}of this.#i)e.some(n=>n.id===t&&n.read_at===void 0)||this.dismiss(t)}#d(e){this.#i=e,this.#s(),this.#t.tell()}#s(){let e=this.#r||document.hidden?R:this.#i;for(let[t,n]of this.#e)e.some(s=>s.id===t)||(clearTimeout(n),this.#e.delete(t));for(let{id:t}of e)this.#e.has(t)||this.#e.set(t,setTimeout(()=>this.dismiss(t),this.duration))}},ee=`
.tidings-toasts{position:fixed;z-index:1000;inset-block-end:1rem;inset-inline-end:1rem;display:grid;gap:.5rem;
width:min(22rem,calc(100vw - 2rem))}
.tidings-toast{position:relative;background:var(--surface);border:1px solid var(--border);border-radius:var(--radius);
box-shadow:0 8px 32px rgb(0 0 0/.18);overflow:hidden}
.tidings .tidings-toast>.tidings-item{padding-inline:1rem 3.25rem;min-height:2.75rem}
@media (prefers-reduced-motion:no-preference){.tidings-toast{animation:tidings-toast .2s ease-out}}
@keyframes tidings-toast{from{opacity:0;translate:0 .5rem}}
`;var M=class extends p{static styles=ve(g+ee);static properties={duration:{type:Number},max:{type:Number}};#t;#e=()=>{};disconnectedCallback(){this.#e(),super.disconnectedCallback()}followed({client:e}){this.#e(),this.#t=new N(e),this.#e=this.#t.subscribe(()=>this.requestUpdate())}render(){let e=this.#t,{duration:t,max:n}=this;e&&Object.assign(e,t&&{duration:t},n&&{max:n});let s=r=>()=>e?.hold(r);return f`<div
      class="tidings tidings-toasts"
      part="toasts"
      role="status"
      @mouseover=${s(!0)}
      @mouseleave=${s(!1)}
      @focusin=${s(!0)}
      @focusout=${s(!1)}
    >
      ${e&&ye(e.getView(),({id:r})=>r,r=>this.#i(e,r))}
    </div>`}#i(e,t){let{id:n,title:s,text:r,url:o}=v(t),d=l=>{e.open(t),I(this,t)||l.preventDefault()},c=f`<strong dir="auto" part="title">${s}</strong>
      ${r===""?be:f`<p dir="auto" part="text">${r}</p>`}`;return f`<div class="tidings-toast" part="toast">
      ${o===null?f`<button type="button" class="tidings-item" part="item" @click=${d}>${c}</button>`:f`<a href=${o} class="tidings-item" part="item" @click=${d}>${c}</a>`}
      <button
        type="button"
        class="tidings-more"
        part="dismiss"
        aria-label=${this.tell("dismiss")}
        @click=${()=>e.dismiss(n)}
      >
        ×
      </button>
    </div>`}};var xe={inbox:"Mitteilungen",all:"Alle",unread:"Ungelesen",markAllRead:"Alle als gelesen markieren",markRead:"Als gelesen markieren",markUnread:"Als ungelesen markieren",archive:"Archivieren",delete:"L\xF6schen",mute:"{type} stummschalten",actions:"Aktionen f\xFCr {title}",dismiss:"Schlie\xDFen",more:"\xC4ltere zeigen",empty:"Noch nichts da",emptyUnread:"Alles gelesen",loading:"Wird geladen\u2026",offline:"Nicht verbunden",failed:"Das ging nicht: {reason}",fresh:{one:"{n} neue Mitteilung",other:"{n} neue Mitteilungen"},badge:{zero:"Mitteilungen",one:"Mitteilungen, {n} neue",other:"Mitteilungen, {n} neue"},pushAsk:"Davon h\xF6ren, wenn diese Seite geschlossen ist?",pushYes:"Ja, bitte",pushNo:"Nicht jetzt",pushInstall:"Um davon zu h\xF6ren, wenn diese Seite geschlossen ist, lege sie zuerst auf den Home-Bildschirm."};function F(i,e){customElements.get(i)||customElements.define(i,e)}F("tidings-inbox",E);F("tidings-bell",T);F("tidings-toasts",M);export{T as TidingsBell,p as TidingsElement,E as TidingsInbox,M as TidingsToasts,L as english,xe as german,v as itemOf};
