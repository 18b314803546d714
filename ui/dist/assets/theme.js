"use strict";(()=>{try{let e=localStorage.getItem("weir-theme");(e==="light"||e==="dark")&&(document.documentElement.dataset.theme=e)}catch{}})();
