// What convtui adds to Textual's page script: the session in the address, downloads, copying, why a visit ended.
// It runs before textual.js, which opens its connection when the page has loaded, through the class below.
"use strict";

(() => {
  const LEAST_COLUMNS = 80;
  const LETTER = 0.602; // the width of a letter, as a share of its size
  const show = (id, text) => {
    const element = document.getElementById(id);
    element.hidden = !text;
    (element.querySelector("p") ?? element).textContent = text;
    return element;
  };

  function download(name, path) {
    const anchor = document.createElement("a");
    anchor.href = path;
    anchor.download = name;
    anchor.click();
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return false; // not a secure page, or not allowed
    }
  }

  class Visit extends WebSocket {
    constructor(url) {
      const size = new URL(url).searchParams;
      super(address());
      this.addEventListener("open", () => {
        const begin = { link: location.hash.slice(1), width: Number(size.get("width")), height: Number(size.get("height")) };
        this.send(JSON.stringify(["begin", begin]));
        document.querySelector(".xterm-helper-textarea").focus(); // keys work without a click
      });
      this.addEventListener("message", (event) => {
        if (typeof event.data === "string") this.#told(...JSON.parse(event.data));
      });
      this.addEventListener("close", (event) => {
        show("notice", "");
        document.getElementById("opening").hidden = true;
        show("ended", event.reason || "The connection to the server was lost.");
        document.getElementById("again").focus();
      });
    }

    async #told(what, value) {
      switch (what) {
        case "link":
          history.replaceState(null, "", value ? `#${value}` : location.pathname);
          break;
        case "copy_link": {
          const link = `${location.origin}${location.pathname}#${value}`;
          history.replaceState(null, "", `#${value}`);
          if (!(await copy(link))) show("notice", "This browser does not let the page copy. The link is in the address bar.");
          break;
        }
        case "download":
          download(value.name, value.path);
          break;
        case "notice":
          show("notice", value);
          break;
      }
    }
  }

  function address() {
    return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${location.pathname}ws`;
  }

  window.WebSocket = Visit;

  document.addEventListener("DOMContentLoaded", () => {
    const terminal = document.querySelector(".textual-terminal");
    const asked = Number(new URLSearchParams(location.search).get("fontsize"));
    const fits = Math.floor(window.innerWidth / LEAST_COLUMNS / LETTER);
    terminal.dataset.fontSize = asked >= 6 && asked <= 40 ? asked : Math.min(Math.max(fits, 6), 16);
    terminal.dataset.sessionWebsocketUrl = address();
    document.getElementById("again").addEventListener("click", () => location.reload());
  });

  // A link that is pasted into the address of a page that is open is opened.
  window.addEventListener("hashchange", () => location.reload());
})();
