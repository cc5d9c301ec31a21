// What a careful reader checks on a page; answers a list of complaints. Contrast as WCAG 2.2 AA counts it.
() => {
  const complaints = [];
  const name = element => `${element.tagName.toLowerCase()}.${element.className?.baseVal ?? element.className} “${(element.textContent || "").trim().slice(0, 40)}”`;

  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parse = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map(at => top[at] * top[3] + below[at] * (1 - top[3])).concat(1);
  const background = element => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) layers.push(parse(getComputedStyle(each).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ratio = (one, other) => {
    const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  for (const element of document.querySelectorAll("body *")) {
    const speaks = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    const box = element.getBoundingClientRect();
    if (!speaks || !box.width || !box.height || !element.checkVisibility() || ["SCRIPT", "STYLE", "OPTION"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const svg = element instanceof SVGElement;
    const below = background(element);
    const text = over(parse(svg ? style.fill : style.color), below);
    const found = ratio(text, below);
    if (found < 4.5) complaints.push(`contrast ${found.toFixed(2)}: ${name(element)}`);
  }

  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
    if (!field.labels?.length && !field.ariaLabel) complaints.push(`no label: ${name(field)}`);
  for (const each of document.querySelectorAll("a, button"))
    if (!(each.ariaLabel || each.textContent).trim()) complaints.push(`no name: ${each.outerHTML.slice(0, 80)}`);
  for (const image of document.querySelectorAll("img:not([alt])")) complaints.push(`no alt: ${image.src}`);
  for (const drawing of document.querySelectorAll("main svg:not([aria-hidden]):not([role])")) complaints.push(`an unnamed drawing: ${name(drawing)}`);
  for (const region of document.querySelectorAll("[role=region], [role=group], [role=img]"))
    if (!region.ariaLabel && !document.getElementById(region.getAttribute("aria-labelledby"))) complaints.push(`an unnamed part: ${name(region)}`);
  for (const cell of document.querySelectorAll("th:not([scope])")) if (!cell.closest(".u-legend")) complaints.push(`a header without a scope: ${name(cell)}`);
  const ids = [...document.querySelectorAll("[id]")].map(each => each.id);
  for (const id of new Set(ids.filter((each, at) => ids.indexOf(each) !== at))) complaints.push(`an id twice: ${id}`);
  if (document.querySelectorAll("h1").length !== 1) complaints.push("not exactly one h1");
  if (!document.documentElement.lang) complaints.push("no language");
  if (!document.title) complaints.push("no title");
  const levels = [...document.querySelectorAll("h1, h2, h3")].map(each => Number(each.tagName[1]));
  levels.forEach((level, at) => { if (at && level > levels[at - 1] + 1) complaints.push(`a heading leaps to h${level}`); });
  if (document.documentElement.scrollWidth > innerWidth) complaints.push(`scrolls sideways: ${document.documentElement.scrollWidth} > ${innerWidth}`);
  return complaints;
}
