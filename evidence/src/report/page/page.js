"use strict";
(() => {
  const text = (id) => {
    const bytes = atob(document.getElementById(id).textContent.trim());
    return new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
  };
  const play = (button) => {
    const place = document.getElementById(button.dataset.place);
    const options = { autoPlay: true, fit: "width", idleTimeLimit: 2, terminalFontFamily: "monospace" };
    const player = AsciinemaPlayer.create({ data: text(button.dataset.cast) }, place, options);
    button.hidden = true;
    const inside = place.querySelector("[tabindex], button");
    if (inside) inside.focus();
    return player;
  };
  for (const button of document.querySelectorAll("button[data-cast]")) {
    button.hidden = false;
    button.addEventListener("click", () => play(button));
  }
  for (const note of document.querySelectorAll(".without-script")) note.hidden = true;
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const details of opened) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
})();
