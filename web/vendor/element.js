import{LitElement as ne,unsafeCSS as se}from"./lit.js";var v=class{client;#e=new Set;#t;#i=!1;#n=null;#s=0;#a=0;#r;#d=null;#l=[];constructor(e){this.client=e;let t=e.getSnapshot();this.#t={snapshot:t,tab:"all",items:t.items,held:0,announced:0,failure:null}}getView=()=>this.#t;subscribe=e=>(this.#e.size===0&&this.#c(),this.#e.add(e),()=>{this.#e.delete(e),this.#e.size===0&&this.#h()});setTab(e){this.#n=null,this.#o({tab:e})}setOpen(e){this.#i=e,e||(this.#n=null),this.#o({}),this.#u()}setAtTop(e){let t=e?null:this.#n??this.#t.snapshot.items[0]?.position??null;t!==this.#n&&(this.#n=t,this.#o({}),e&&this.#u())}async attempt(e){try{return await e,this.#t.failure!==null&&this.#o({failure:null}),!0}catch(t){return this.#o({failure:t instanceof Error?t.message:String(t)}),!1}}#c(){let{client:e}=this;this.#l=[e.subscribe(()=>{this.#o({}),this.#u()}),e.on("notification",()=>this.#p(1))],this.#o({})}#h(){for(let e of this.#l.splice(0))e();clearTimeout(this.#r),this.#r=void 0}#o(e){let t=this.client.getSnapshot(),{tab:n,announced:s,failure:r}={...this.#t,...e},o=this.#n===null?0:ee(t.items,this.#n),d=o===0?t.items:t.items.slice(o),c=n==="all"?d:d.filter(m=>m.read_at===void 0),l=this.#t;if(l.snapshot===t&&l.tab===n&&l.held===o&&l.announced===s&&l.failure===r)return;let R=c.length===l.items.length&&c.every((m,N)=>m===l.items[N]);this.#t={snapshot:t,tab:n,items:R?l.items:c,held:o,announced:s,failure:r};for(let m of this.#e)m()}#u(){let{snapshot:e,held:t}=this.#t,n=this.#i&&globalThis.document?.visibilityState!=="hidden",s=e.items[0]?.position??null;!n||t>0||e.unseen===0||!e.loaded||s===this.#d||(this.#d=s,this.attempt(this.client.markSeen()))}#p(e){this.#s+=e;let t=Math.max(300,this.#a+5e3-Date.now());this.#r??=setTimeout(()=>this.#m(),t)}#m(){this.#a=Date.now(),this.#o({announced:this.#s}),this.#s=0,this.#r=setTimeout(()=>{this.#r=void 0,this.#o({announced:0}),this.#s>0&&this.#p(0)},3e3)}};function ee(i,e){let[t,n]=I(e),s=i.findIndex(r=>{let[o,d]=I(r.position);return o!==t||d<=n});return s===-1?i.length:s}function I(i){let e=i.lastIndexOf(".");return[i.slice(0,e),Number(i.slice(e+1))]}var g=`
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
`;function L(i,e,t){let n=Date.parse(i),s=Math.max(0,e-n);if(s>=7*864e5)return new Intl.DateTimeFormat(t,{dateStyle:"medium"}).format(n);let r=new Intl.RelativeTimeFormat(t,{numeric:"auto"});return s<6e4?r.format(0,"second"):s<36e5?r.format(-Math.floor(s/6e4),"minute"):s<864e5?r.format(-Math.floor(s/36e5),"hour"):r.format(-Math.floor(s/864e5),"day")}function F(i,e){return new Intl.DateTimeFormat(e,{dateStyle:"full",timeStyle:"medium"}).format(Date.parse(i))}var y=new Set,M;function z(i){return y.add(i),M??=setInterval(()=>{for(let e of y)e()},6e4/2),()=>{y.delete(i),y.size===0&&(clearInterval(M),M=void 0)}}var A={inbox:"Notifications",all:"All",unread:"Unread",markAllRead:"Mark all as read",markRead:"Mark as read",markUnread:"Mark as unread",archive:"Archive",delete:"Delete",mute:"Mute {type}",actions:"Actions for {title}",dismiss:"Dismiss",more:"Show older",empty:"Nothing here yet",emptyUnread:"All read",loading:"Loading\u2026",offline:"Not connected",failed:"That did not work: {reason}",fresh:{one:"{n} new notification",other:"{n} new notifications"},badge:{zero:"Notifications",one:"Notifications, {n} new",other:"Notifications, {n} new"},pushAsk:"Hear of them when this page is closed?",pushYes:"Notify me",pushNo:"Not now",pushInstall:"To hear of them when this page is closed, add it to your home screen first."};function H(i,e,t={},n){let s=i[e];return(typeof s=="string"?s:te(s,Number(t.n),n)).replace(/\{(\w+)\}/g,(o,d)=>String(t[d]??o))}function te(i,e,t){let n=e===0&&i.zero!==void 0?"zero":new Intl.PluralRules(t).select(e);return i[n]??i.other??""}var V=99;function W(i){return i>V?`${V}+`:String(i)}var U=new Map;function q(i,e){let t=JSON.stringify([i.url,i.token]),n=U.get(t)??{client:ie(i),users:0};U.set(t,n),n.users+=1;let s=!0;return n.client.then(r=>s&&e(r)),()=>{s=!1,n.users-=1,!(n.users>0)&&(U.delete(t),n.client.then(r=>r.close()))}}async function ie(i){let{createTidings:e}=await import("./tidings.js"),t=e(i);return t.connect(),t}var p=class i extends ne{static styles=se(g);static server;static properties={client:{attribute:!1},words:{attribute:!1},url:{},token:{},push:{}};feed;#e=[];#t=()=>{};constructor(){super(),this.words=A}connectedCallback(){super.connectedCallback(),this.#t=z(()=>this.requestUpdate()),this.hasUpdated&&this.#i()}disconnectedCallback(){super.disconnectedCallback(),this.#t(),this.#s()}willUpdate(e){["client","url","token"].some(t=>e.has(t))&&(this.#s(),this.isConnected&&this.#i())}followed(e){}get language(){return this.closest("[lang]:not([lang=''])")?.lang||document.documentElement.lang||void 0}tell(e,t){return H(this.words,e,t,this.language)}#i(){let{client:e,url:t=i.server,token:n}=this;e?this.#n(e):(t!==void 0||n!==void 0)&&this.#e.push(q({...t&&{url:t},...n&&{token:n}},s=>this.#n(s)))}#n(e){let t=new v(e);this.feed=t,this.#e.push(t.subscribe(()=>this.requestUpdate())),this.followed(t),this.requestUpdate()}#s(){for(let e of this.#e.splice(0))e();this.feed=void 0}};import{html as C,nothing as x,unsafeCSS as re}from"./lit.js";var _=`
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
`;function j(i){if(!i)return;i.classList.remove("tidings-start");let{left:e,right:t}=i.getBoundingClientRect();(e<0||t>innerWidth)&&i.classList.add("tidings-start")}function Y(i,e){let t=s=>s.composedPath().includes(i)||e(!1),n=s=>s.key==="Escape"&&e(!0);return document.addEventListener("pointerdown",t),document.addEventListener("keydown",n),()=>{document.removeEventListener("pointerdown",t),document.removeEventListener("keydown",n)}}var oe="inbox,head,tab,mark-all,pill,list,empty,entry,entry-unread,item,title,text,time,more,actions,action,older,ask",w=class extends p{static styles=re(g+_);static properties={open:{type:Boolean,reflect:!0}};#e=()=>{};constructor(){super(),this.open=!1}disconnectedCallback(){this.#e(),super.disconnectedCallback()}updated(e){super.updated(e),e.has("open")&&this.#t()}render(){let{snapshot:e,announced:t}=this.feed?.getView()??{snapshot:null,announced:0},n=e?.unseen??0;return C`<div class="tidings tidings-bell">
      <button
        type="button"
        part="bell"
        aria-label=${this.tell("badge",{n})}
        aria-haspopup="dialog"
        aria-expanded=${this.open}
        aria-controls="inbox"
        title=${n>0?String(n):x}
        @click=${()=>{this.open=!this.open}}
      >
        <slot name="icon">
          <svg viewBox="2 1 20 22" aria-hidden="true">
            <path
              d="M12 2a6 6 0 0 0-6 6v4.6L4.3 16a1 1 0 0 0 .9 1.5h13.6a1 1 0 0 0 .9-1.5L18 12.6V8a6 6 0 0 0-6-6Zm-2.8 17a2.9 2.9 0 0 0 5.6 0Z"
            />
          </svg>
        </slot>
        ${n>0?C`<span class="tidings-badge" part="badge" aria-hidden="true">${W(n)}</span>`:x}
      </button>
      <span role="status" class="tidings-hidden"
        >${t>0&&!this.open?this.tell("fresh",{n:t}):x}</span
      >
      <div id="inbox" class="tidings-popover" part="popover" role="dialog" aria-label=${this.tell("inbox")} ?hidden=${!this.open}>
        ${this.open?C`<tidings-inbox
                exportparts=${oe}
                .client=${this.feed?.client}
                .words=${this.words}
                .push=${this.push}
                .lang=${this.language??""}
              ></tidings-inbox>`:x}
      </div>
    </div>`}#t(){if(this.#e(),!this.open)return;j(this.renderRoot.querySelector(".tidings-popover")),this.#e=Y(this,t=>{this.open=!1,t&&this.renderRoot.querySelector("button")?.focus()});let e=this.renderRoot.querySelector("tidings-inbox");e?.updateComplete.then(()=>e.focus())}};import{html as a,nothing as u}from"./lit.js";import{repeat as ue}from"./lit.js";var B="tidings.push.declined";function K(i){return i.enabled||ae()?null:i.state==="needs-install"?"install":i.state==="prompt"||i.state==="granted"?"ask":null}function G(){try{localStorage.setItem(B,"1")}catch{}}function ae(){try{return localStorage.getItem(B)!==null}catch{return!1}}var de={ArrowDown:(i,e)=>Math.min(i+1,e-1),ArrowUp:i=>Math.max(i-1,0),Home:()=>0,End:(i,e)=>e-1};function J(i,e,t){let n=[...e?.querySelectorAll(t)??[]],s=n.indexOf(i.target),r=de[i.key]?.(s,n.length);return s===-1||r===void 0?!1:(i.preventDefault(),n[r]?.focus(),!0)}function Z(i){let{activeElement:e}=i;(!e||e===document.body)&&i.querySelector(".tidings-item")?.focus()}function b(i){let e=i.payload??{};return{id:i.id,type:i.type,title:k(e.title)??le(i.type),text:k(e.text)??k(e.body)??"",url:ce(e.url),at:i.created_at,isRead:i.read_at!==void 0,isSeen:i.seen_at!==void 0}}function k(i){return typeof i=="string"&&i!==""?i:null}function le(i){let e=i.replace(/[._]+/g," ");return e.charAt(0).toUpperCase()+e.slice(1)}function ce(i){let e=k(i);if(e===null)return null;try{let t=new URL(e,globalThis.location?.href);return t.protocol==="http:"||t.protocol==="https:"?t.href:null}catch{return null}}function P(i,e){let t=new CustomEvent("tidings-open",{detail:e,bubbles:!0,composed:!0,cancelable:!0});return i.dispatchEvent(t)}var $=class extends p{#e=null;disconnectedCallback(){this.feed?.setOpen(!1),super.disconnectedCallback()}followed(e){e.setOpen(!0)}updated(e){super.updated(e),this.hasAttribute("role")||this.setAttribute("role","region"),this.setAttribute("aria-label",this.tell("inbox"))}focus(){this.renderRoot.querySelector(".tidings-item, button")?.focus()}render(){let{feed:e}=this,t=e?.getView();return a`<div class="tidings tidings-inbox" part="inbox">
      ${t&&e?this.#t(e,t):a`<p class="tidings-note tidings-empty">${this.tell("loading")}</p>`}
    </div>`}#t(e,t){let{snapshot:n,items:s,tab:r,held:o,announced:d,failure:c}=t,{status:l,loaded:D,hasMore:R}=n,m=l==="offline"||l==="closed",N=D?r==="all"?"empty":"emptyUnread":"loading";return a`
      ${this.#i(e,t)}
      <p role="status" class="tidings-hidden">${d>0?this.tell("fresh",{n:d}):u}</p>
      ${o>0?a`<button type="button" class="tidings-pill" part="pill" @click=${()=>this.#d(e)}>
              ${this.tell("fresh",{n:o})}
            </button>`:u}
      ${c!==null?a`<p role="alert" class="tidings-note tidings-failure">${this.tell("failed",{reason:c})}</p>`:u}
      ${m?a`<p class="tidings-note">${this.tell("offline")}</p>`:u}
      <div
        class="tidings-scroll"
        part="list"
        @scroll=${h=>e.setAtTop(h.currentTarget.scrollTop<8)}
        @keydown=${h=>J(h,h.currentTarget,".tidings-item")}
      >
        ${s.length===0?a`<p class="tidings-note tidings-empty" part="empty">${this.tell(N)}</p>`:a`<ul class="tidings-list">
                ${ue(s,h=>h.id,(h,Q)=>this.#n(e,h,Q))}
              </ul>`}
        ${R?a`<button
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
    </div>`}#n(e,t,n){let s=b(t),r=c=>this.#r(e,t,c),o=n===0?0:-1,d=a`${s.isRead?u:a`<span class="tidings-hidden">${this.tell("unread")}: </span>`}
      <strong dir="auto" part="title">${s.title}</strong>
      ${s.text===""?u:a`<p dir="auto" part="text">${s.text}</p>`}
      <time part="time" datetime=${s.at} title=${F(s.at,this.language)}
        >${L(s.at,Date.now(),this.language)}</time
      >`;return a`<li class=${s.isRead?"":"tidings-new"} part=${s.isRead?"entry":"entry entry-unread"}>
      ${s.url===null?a`<button type="button" class="tidings-item" part="item" tabindex=${o} @click=${r}>${d}</button>`:a`<a href=${s.url} class="tidings-item" part="item" tabindex=${o} @click=${r}>${d}</a>`}
      ${this.#s(e,s)}
    </li>`}#s(e,t){let{client:n}=e,s=this.#e===t.id,r=d=>{this.#e=d,this.requestUpdate()},o=(d,c)=>a`<button type="button" part="action" @click=${async()=>{r(null),await e.attempt(c()),await this.updateComplete,Z(this.renderRoot)}}>${d}</button>`;return a`<button
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
            </div>`:u}`}#a(e,{snapshot:t}){let n=K(t.push);if(n===null)return u;let s=()=>{G(),this.requestUpdate()};return a`<div class="tidings-ask" part="ask">
      <span>${this.tell(n==="ask"?"pushAsk":"pushInstall")}</span>
      ${n==="ask"?a`<button type="button" @click=${()=>e.attempt(e.client.push.enable())}>${this.tell("pushYes")}</button>`:u}
      <button type="button" @click=${s}>${this.tell("pushNo")}</button>
    </div>`}#r(e,t,n){t.read_at===void 0&&e.attempt(e.client.markRead(t.id)),P(this,t)||n.preventDefault()}#d(e){this.renderRoot.querySelector(".tidings-scroll")?.scrollTo({top:0}),e.setAtTop(!0),this.updateComplete.then(()=>this.renderRoot.querySelector(".tidings-item")?.focus())}};import{html as f,nothing as pe,unsafeCSS as he}from"./lit.js";import{repeat as me}from"./lit.js";var T=[],S=class{client;duration=6e3;max=3;#e=new Set;#t=new Map;#i=T;#n=!1;#s=[];constructor(e){this.client=e}getView=()=>this.#i;getServerView=()=>T;subscribe=e=>(this.#e.size===0&&this.#a(),this.#e.add(e),()=>{this.#e.delete(e),this.#e.size===0&&this.#r()});hold(e){this.#n=e,this.#c()}dismiss(e){this.#n=!1,this.#l(this.#i.filter(t=>t.id!==e))}open({id:e}){this.client.markRead(e).catch(()=>{}),this.dismiss(e)}#a(){let{client:e}=this,t=()=>this.#c();document.addEventListener("visibilitychange",t),this.#s=[e.on("notification",n=>this.#l([n,...this.#i].slice(0,this.max))),e.subscribe(()=>this.#d()),()=>document.removeEventListener("visibilitychange",t)]}#r(){for(let e of this.#s.splice(0))e();this.#l(T)}#d(){let{items:e}=this.client.getSnapshot();for(let{id:t}of this.#i)e.some(n=>n.id===t&&n.read_at===void 0)||this.dismiss(t)}#l(e){this.#i=e,this.#c();for(let t of this.#e)t()}#c(){let e=this.#n||document.hidden?T:this.#i;for(let[t,n]of this.#t)e.some(s=>s.id===t)||(clearTimeout(n),this.#t.delete(t));for(let{id:t}of e)this.#t.has(t)||this.#t.set(t,setTimeout(()=>this.dismiss(t),this.duration))}},X=`
.tidings-toasts{position:fixed;z-index:1000;inset-block-end:1rem;inset-inline-end:1rem;display:grid;gap:.5rem;
width:min(22rem,calc(100vw - 2rem))}
.tidings-toast{position:relative;background:var(--surface);border:1px solid var(--border);border-radius:var(--radius);
box-shadow:0 8px 32px rgb(0 0 0/.18);overflow:hidden}
.tidings .tidings-toast>.tidings-item{padding-inline:1rem 3.25rem;min-height:2.75rem}
@media (prefers-reduced-motion:no-preference){.tidings-toast{animation:tidings-toast .2s ease-out}}
@keyframes tidings-toast{from{opacity:0;translate:0 .5rem}}
`;var E=class extends p{static styles=he(g+X);static properties={duration:{type:Number},max:{type:Number}};#e;#t=()=>{};disconnectedCallback(){this.#t(),super.disconnectedCallback()}followed({client:e}){this.#t(),this.#e=new S(e),this.#t=this.#e.subscribe(()=>this.requestUpdate())}render(){let e=this.#e,{duration:t,max:n}=this;e&&Object.assign(e,t&&{duration:t},n&&{max:n});let s=r=>()=>e?.hold(r);return f`<div
      class="tidings tidings-toasts"
      part="toasts"
      role="status"
      @mouseover=${s(!0)}
      @mouseleave=${s(!1)}
      @focusin=${s(!0)}
      @focusout=${s(!1)}
    >
      ${e&&me(e.getView(),({id:r})=>r,r=>this.#i(e,r))}
    </div>`}#i(e,t){let{id:n,title:s,text:r,url:o}=b(t),d=l=>{e.open(t),P(this,t)||l.preventDefault()},c=f`<strong dir="auto" part="title">${s}</strong>
      ${r===""?pe:f`<p dir="auto" part="text">${r}</p>`}`;return f`<div class="tidings-toast" part="toast">
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
    </div>`}};var ge={inbox:"Mitteilungen",all:"Alle",unread:"Ungelesen",markAllRead:"Alle als gelesen markieren",markRead:"Als gelesen markieren",markUnread:"Als ungelesen markieren",archive:"Archivieren",delete:"L\xF6schen",mute:"{type} stummschalten",actions:"Aktionen f\xFCr {title}",dismiss:"Schlie\xDFen",more:"\xC4ltere zeigen",empty:"Noch nichts da",emptyUnread:"Alles gelesen",loading:"Wird geladen\u2026",offline:"Nicht verbunden",failed:"Das ging nicht: {reason}",fresh:{one:"{n} neue Mitteilung",other:"{n} neue Mitteilungen"},badge:{zero:"Mitteilungen",one:"Mitteilungen, {n} neue",other:"Mitteilungen, {n} neue"},pushAsk:"Davon h\xF6ren, wenn diese Seite geschlossen ist?",pushYes:"Ja, bitte",pushNo:"Nicht jetzt",pushInstall:"Um davon zu h\xF6ren, wenn diese Seite geschlossen ist, lege sie zuerst auf den Home-Bildschirm."};function O(i,e){customElements.get(i)||customElements.define(i,e)}O("tidings-inbox",$);O("tidings-bell",w);O("tidings-toasts",E);export{w as TidingsBell,p as TidingsElement,$ as TidingsInbox,E as TidingsToasts,A as english,ge as german,b as itemOf};
