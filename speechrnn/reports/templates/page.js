"use strict";
(() => {
  const field = document.getElementById("find");
  if (!field) return;
  const fold = (text) => text.normalize("NFC").toLowerCase();
  const found = document.getElementById("found");
  const rows = [...document.querySelectorAll(".utterances > li")].map((row) => {
    // Columns interleave reference and hypothesis: both are searched as running text, words or letters alike.
    const lines = [...row.querySelectorAll(".line")].flatMap((line) =>
      [".r", ".h"].map((side) => [...line.querySelectorAll(side)].map((cell) => cell.textContent.trim())));
    const texts = lines.flatMap((cells) => [cells.join(" "), cells.join("")]);
    return { row, text: fold([row.querySelector("h3").textContent, ...texts].join("\n")) };
  });
  const show = () => {
    const wanted = fold(field.value.trim());
    let shown = 0;
    for (const { row, text } of rows) {
      row.hidden = !text.includes(wanted);
      shown += !row.hidden;
    }
    found.textContent = wanted ? `${shown} of ${rows.length}` : "";
  };
  field.addEventListener("input", show);
  document.getElementById("finder").hidden = false;
})();
