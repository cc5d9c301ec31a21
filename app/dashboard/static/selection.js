// One checkbox selects all findings of the page. Without scripts it stays hidden.
"use strict";

const rows = () => [...document.querySelectorAll("#list input[name=finding]")];

function show() {
  const all = document.querySelector("[data-select-all]");
  if (all) all.hidden = false;
}

document.addEventListener("change", event => {
  if (event.target.matches("[data-select-all]")) rows().forEach(row => { row.checked = event.target.checked; });
});
document.addEventListener("htmx:after:swap", show);
show();
