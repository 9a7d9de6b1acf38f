"use strict";
(() => {
  const list = document.querySelector(".utterances");
  const [find, filter, sort, found] = ["find", "filter", "sort", "found"].map((id) => document.getElementById(id));
  const fold = (text) => text.normalize("NFC").toLowerCase();
  const rows = [...list.children].map((row, place) => {
    const errors = row.dataset.e.split(",").map(Number);
    return {
      row,
      place,
      errors,
      worst: Math.max(...errors),
      rate: Math.max(...errors) / Math.max(1, Number(row.dataset.n)),
      sure: "c" in row.dataset ? Number(row.dataset.c) : 2,
      long: Number(row.dataset.d),
      id: row.querySelector("h3").firstChild.textContent.trim(),
    };
  });
  // What stands in a cell itself, not what only a screen reader is told.
  const written = (cell) => [...cell.childNodes].map((node) => (node.nodeType === Node.TEXT_NODE ? node.data : "")).join("").trim();
  // Reference and hypothesis are searched as running text each, words or letters alike; made when first needed.
  const text = (entry) => {
    if (entry.text === undefined) {
      const sides = [...entry.row.querySelectorAll(".columns")].flatMap((line) =>
        [[".r", written], [".h", (cell) => cell.dataset.h ?? ""]].map(([side, alike]) =>
          [...line.querySelectorAll(".c")].map((cell) => (cell.querySelector(side) ? written(cell.querySelector(side)) : alike(cell))).filter(Boolean)));
      for (const line of entry.row.querySelectorAll(".runs")) {
        for (const other of ["INS", "DEL"]) {
          const heard = [...line.childNodes].filter((node) => node.nodeName !== other && node.nodeName !== "I");
          sides.push(heard.map((node) => (node.nodeType === Node.TEXT_NODE ? node.data : written(node))));
        }
      }
      const texts = sides.flatMap((cells) => [cells.join(" "), cells.join("")]).map((line) => line.replace(/\s+/g, " "));
      entry.text = fold([entry.row.querySelector("h3").textContent, ...texts].join("\n"));
    }
    return entry.text;
  };
  const wanted = {
    all: () => true,
    wrong: ({ worst, row }) => worst > 0 || "f" in row.dataset,
    right: ({ worst, row }) => worst === 0 && !("f" in row.dataset),
    failed: ({ row }) => "f" in row.dataset,
    detail: ({ row }) => "t" in row.dataset,
    differ: ({ errors }) => new Set(errors).size > 1,
  };
  const orders = {
    errors: (a, b) => a.place - b.place,
    rate: (a, b) => b.rate - a.rate || a.place - b.place,
    unsure: (a, b) => a.sure - b.sure || a.place - b.place,
    long: (a, b) => b.long - a.long || a.place - b.place,
    id: (a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
  };
  const show = () => {
    const sought = fold(find.value.trim());
    let shown = 0;
    for (const entry of rows) {
      entry.row.hidden = !wanted[filter.value](entry) || (sought !== "" && !text(entry).includes(sought));
      shown += !entry.row.hidden;
    }
    found.textContent = `${shown} of ${rows.length}`;
  };
  find.addEventListener("input", show);
  filter.addEventListener("change", show);
  sort.addEventListener("change", () => list.append(...rows.sort(orders[sort.value]).map(({ row }) => row)));
  document.getElementById("finder").hidden = false;
  if (!rows.some(wanted.wrong)) filter.value = "all";
  show();

  // A link to an utterance that is filtered out shows it again.
  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (target && target.hidden) {
      find.value = "";
      filter.value = "all";
      show();
      target.scrollIntoView();
    }
  };
  window.addEventListener("hashchange", reveal);
  reveal();

  // Where the sound is, and sound from where the picture is clicked.
  for (const scene of list.querySelectorAll(".scene")) {
    const sound = scene.querySelector("audio");
    const picture = scene.querySelector(".timeline");
    if (!sound || !picture) continue;
    const second = Number(picture.dataset.second);
    const head = picture.querySelector(".head");
    const move = () => {
      const x = (sound.currentTime * second).toFixed(1);
      head.setAttribute("x1", x);
      head.setAttribute("x2", x);
      head.setAttribute("visibility", "visible");
      if (!sound.paused && !sound.ended) requestAnimationFrame(move);
    };
    for (const event of ["play", "seeked", "pause"]) sound.addEventListener(event, move);
    picture.addEventListener("click", (event) => {
      const box = picture.getBoundingClientRect();
      sound.currentTime = ((event.clientX - box.left) / box.width) * picture.viewBox.baseVal.width / second;
      sound.play();
    });
  }
})();
