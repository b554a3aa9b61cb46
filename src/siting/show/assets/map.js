/* Draws the data of a page on its Leaflet map. Text from the data becomes text nodes, never markup. */
window.sitingMap = function (map, data) {
  "use strict";

  const W = data.words;
  const COLOUR = data.colours;
  const OUTLINES = [
    [[-1, -1], [1, -1], [1, 1], [-1, 1]],
    [[0, -1.25], [1.2, 0.95], [-1.2, 0.95]],
    [[-0.75, -1], [0.75, -1], [1.25, 0.2], [0, 1.25], [-1.25, 0.2]],
    [[-0.45, -1.2], [0.45, -1.2], [0.45, -0.45], [1.2, -0.45], [1.2, 0.45], [0.45, 0.45], [0.45, 1.2], [-0.45, 1.2],
      [-0.45, 0.45], [-1.2, 0.45], [-1.2, -0.45], [-0.45, -0.45]],
  ];
  const DIAMOND = [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]];
  const PIN = "M13 1C6.4 1 1 6.3 1 12.8 1 21.6 13 33 13 33s12-11.4 12-20.2C25 6.3 19.6 1 13 1z";
  const pinSize = window.innerWidth > 640 ? [32, 42] : [26, 34];
  const narrow = window.matchMedia("(max-width: 640px)").matches;

  /* ---- small helpers ---- */
  function make(tag, kind, text) {
    const node = document.createElement(tag);
    if (kind) node.className = kind;
    if (text !== undefined && text !== null) node.textContent = text;
    return node;
  }
  function add(parent) {
    for (let i = 1; i < arguments.length; i += 1) if (arguments[i]) parent.appendChild(arguments[i]);
    return parent;
  }
  function svg(tag, attributes) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.keys(attributes).forEach((key) => node.setAttribute(key, attributes[key]));
    return node;
  }
  const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });
  const number = (value) => grouped.format(value);
  function decode(steps) {
    const line = new Array(steps.length / 2);
    let lat = 0, lon = 0;
    for (let i = 0; i < steps.length; i += 2) {
      lat += steps[i];
      lon += steps[i + 1];
      line[i / 2] = L.latLng(lat / 1e6, lon / 1e6);
    }
    return line;
  }
  function verdictStyle(code, bands) {
    if (code < bands.length) return { color: "#fff", weight: 0.8, fillColor: bands[code], fillOpacity: 0.95, fill: true };
    if (code === bands.length) return { color: "#fff", weight: 0.9, fillColor: COLOUR.outside, fillOpacity: 1, fill: true };
    return { color: COLOUR.outside, weight: 2, fillColor: "#fff", fillOpacity: 0.85, fill: true };
  }
  const PLAIN = { color: "#fff", weight: 0.8, fillColor: COLOUR.plain, fillOpacity: 0.9, fill: true };

  /* ---- swatches: the legend draws what the map draws ---- */
  function swatch(kind, style) {
    const box = svg("svg", { viewBox: "0 0 24 16", width: 24, height: 16, "aria-hidden": "true" });
    if (kind === "circle") {
      add(box, svg("circle", { cx: 12, cy: 8, r: 6, fill: style.fillColor, "fill-opacity": style.fillOpacity,
        stroke: style.color, "stroke-width": style.weight }));
    } else if (kind === "area") {
      add(box, svg("circle", { cx: 12, cy: 8, r: 7, fill: COLOUR.area, "fill-opacity": style, stroke: COLOUR.area, "stroke-opacity": 0.55 }));
    } else if (kind === "shape") {
      add(box, svg("polygon", { points: style.outline.map((p) => (12 + p[0] * 5) + "," + (8 + p[1] * 5)).join(" "),
        fill: style.fillColor, stroke: style.color, "stroke-width": style.weight > 2 ? 2 : 1.2 }));
    } else if (kind === "pin") {
      const pin = svg("g", { transform: "translate(6.2 0) scale(.45)" });
      add(box, add(pin, svg("path", { d: PIN, fill: COLOUR.pin }), svg("circle", { cx: 13, cy: 13, r: 4.5, fill: "#fff" })));
    } else if (kind === "border") {
      add(box, svg("path", { d: "M1 8h22", stroke: COLOUR.border, "stroke-width": 1.6, "stroke-dasharray": "5 3" }));
    } else {
      add(box, svg("path", { d: "M1 11L23 11", stroke: COLOUR.street, "stroke-opacity": 0.85, "stroke-width": 1.6 }),
        svg("path", { d: "M1 5L23 5", stroke: COLOUR.street, "stroke-width": 3.4 }));
    }
    return box;
  }

  /* ---- panes: what takes no mouse lies in canvases of its own ---- */
  function pane(name, height) {
    const node = map.createPane(name);
    node.style.zIndex = height;
    node.style.pointerEvents = "none";
    return { pane: name, renderer: L.canvas({ pane: name, padding: 0.3 }), interactive: false };
  }
  const inAreas = pane("areas", 340);
  const inStreets = pane("streets", 350);
  const inDistricts = pane("districts", 360);
  map.createPane("places").style.zIndex = 450;
  map.getPane("places").style.pointerEvents = "none";
  const canvas = L.canvas({ padding: 0.3, tolerance: narrow ? 6 : 2 });

  const Shape = L.CircleMarker.extend({
    _updatePath: function () {
      const renderer = this._renderer, at = this._point, size = this._radius;
      if (!renderer._drawing || this._empty()) return;
      const pen = renderer._ctx;
      pen.beginPath();
      this.options.outline.forEach((p, i) => {
        if (i) pen.lineTo(at.x + p[0] * size, at.y + p[1] * size);
        else pen.moveTo(at.x + p[0] * size, at.y + p[1] * size);
      });
      pen.closePath();
      renderer._fillStroke(pen, this);
    },
  });

  /* ---- tooltips ---- */
  const tip = L.tooltip({ className: "siting-tip", direction: "auto", opacity: 1, offset: [12, 0] });
  let touched = null;
  function rest() {
    if (touched && touched.setStyle) touched.setStyle(touched.options.still);
    touched = null;
    tip.remove();
  }
  function tooltip(group, describe) {
    function open(event) {
      const mark = event.layer || event.target;
      if (touched && touched !== mark) rest();
      touched = mark;
      if (mark.setStyle) mark.setStyle({ stroke: true, color: COLOUR.ink, weight: 2.5 });
      tip.setContent(describe(mark.options.index)).setLatLng(mark.getLatLng());
      tip.addTo(map);
    }
    group.on("mouseover focus", open);
    group.on("click", (event) => { L.DomEvent.stopPropagation(event); open(event); });
    group.on("mouseout blur", rest);
  }
  map.on("click zoomstart", rest);
  function value(field, i) {
    if (field.of) return field.at[i] < 0 ? null : field.of[field.at[i]];
    const v = field.values[i];
    return v === null ? null : number(v) + (field.unit ? " " + field.unit : "");
  }
  function card(name, type, rows) {
    const node = make("div");
    add(node, add(make("h3"), make("bdi", "", name)));
    if (type) add(node, add(make("p", "siting-type"), make("bdi", "", type)));
    const list = make("dl");
    rows.forEach((row) => {
      if (row[1] !== null && row[1] !== undefined) add(list, make("dt", "", row[0]), add(make("dd"), make("bdi", "", row[1])));
    });
    if (list.childNodes.length) add(node, list);
    return node;
  }
  function marked(node, marks, i) {
    marks.forEach((mark) => { if (mark.set.has(i)) add(node, make("span", "siting-mark", mark.label)); });
    return node;
  }
  const rowsOf = (fields, i) => fields.map((field) => [field.label, value(field, i)]);

  /* ---- ground: streets, districts ---- */
  const ground = {};
  if (data.streets) {
    const line = (codes, opacity, weight) => L.polyline(codes.map(decode),
      Object.assign({ color: COLOUR.street, opacity: opacity, weight: weight, smoothFactor: 1.2, lineCap: "butt" }, inStreets));
    ground.streets = L.layerGroup();
    if (data.streets.minor.length) ground.streets.addLayer(line(data.streets.minor, 0.9, 1));
    if (data.streets.major.length) ground.streets.addLayer(line(data.streets.major, 1, 2.4));
  }
  const labels = [];
  if (data.districts) {
    ground.districts = L.layerGroup();
    const at = decode(data.districts.labels);
    ground.districts.addLayer(L.polyline(data.districts.borders.map(decode),
      Object.assign({ color: COLOUR.border, weight: 1.3, dashArray: "6 4" }, inDistricts)));
    data.districts.names.forEach((text, i) => {
      const name = make("bdi", "", text);
      ground.districts.addLayer(L.marker(at[i], { pane: "places", interactive: false, keyboard: false,
        icon: L.divIcon({ className: "siting-place", html: name, iconSize: null }) }));
      labels.push({ name: name, at: at[i], half: data.districts.widths[i] / 2, length: Math.min(12, text.length) });
    });
  }
  /* A name is written where its district is wide enough for it. */
  function placeNames() {
    labels.forEach((one) => {
      const east = L.latLng(one.at.lat, one.at.lng + one.half);
      const width = 2 * (map.latLngToLayerPoint(east).x - map.latLngToLayerPoint(one.at).x);
      one.name.style.display = width > one.length * 8 ? "" : "none";
    });
  }

  /* ---- communities ---- */
  const places = data.communities ? decode(data.communities.points) : [];
  const sizes = (data.communities && data.communities.size) || null;
  let reference = 1;
  if (sizes) {
    const sorted = sizes.filter((v) => v > 0).sort((a, b) => a - b);
    reference = sorted.length ? sorted[Math.floor(0.97 * (sorted.length - 1))] : 1;
  }
  let top = 9, thin = false;
  function radius(people) {
    if (!sizes) return Math.max(2, 0.6 * top);
    return Math.max(1.4, 0.22 * top, Math.min(1.35, Math.sqrt((people || 0) / reference)) * top);
  }
  const marks = places.map((at, i) => L.circleMarker(at, { renderer: canvas, radius: 4, index: i }));
  /* Large circles first, so that small ones lie upon them. */
  const drawing = marks.map((_, i) => i);
  if (sizes) drawing.sort((a, b) => (sizes[b] || 0) - (sizes[a] || 0));

  let service = data.services[0] || null;
  const told = (key) => (service && service[key]) || null;
  let off = new Set();

  function describeCommunity(i) {
    const fields = data.communities.fields;
    const node = card(data.communities.names[i], null, rowsOf(fields, i));
    const verdict = told("verdict");
    if (verdict) {
      const list = node.querySelector("dl") || node.appendChild(make("dl"));
      const nearest = value(verdict.nearest, i), cost = verdict.cost[i];
      if (nearest !== null) {
        add(list, make("dt", "", W.nearest), add(make("dd"), make("bdi", "", nearest)));
        if (cost !== null) add(list, make("dt", "", W.way), make("dd", "", number(cost) + " " + verdict.unit));
      }
      const code = verdict.codes[i];
      add(node, add(make("p", "siting-says"), swatch("circle", verdictStyle(code, verdict.colours)),
        make("span", "", verdict.rows[code].label)));
    }
    return marked(node, data.communities.marks, i);
  }
  if (data.communities) {
    data.communities.marks.forEach((mark) => { mark.set = new Set(mark.at); });
  }

  /* ---- facilities, candidates, pins ---- */
  function shapes(told_, style, size) {
    const group = L.featureGroup(), own = new Map((told_.changes || []).map((one) => [one.at, changed(style, one.change)]));
    decode(told_.points).forEach((at, i) => {
      const mine = own.get(i) || style;
      group.addLayer(new Shape(at, Object.assign({ renderer: canvas, radius: size, index: i, still: mine }, mine)));
    });
    return group;
  }
  const facilityStyle = (n) => ({ outline: OUTLINES[n % OUTLINES.length], color: "#fff", weight: 1.5, fillColor: COLOUR.existing,
    fillOpacity: 1, fill: true });
  /* What closes is hollow; what grows has a rim in the colour of what is proposed. */
  const changed = (style, change) => Object.assign({}, style, change === "closes"
    ? { color: COLOUR.existing, weight: 1.8, fillColor: "#fff", fillOpacity: 0.9 } : { color: COLOUR.pin, weight: 2.6 });
  const candidateStyle = { outline: DIAMOND, color: COLOUR.candidate, weight: 1.3, fillColor: "#fff", fillOpacity: 0.9, fill: true };
  data.services.forEach((one, n) => {
    if (one.facilities) {
      one.style = facilityStyle(n);
      one.layer = shapes(one.facilities, one.style, narrow ? 3.8 : 4.8);
      one.facilities.marks.forEach((mark) => { mark.set = new Set(mark.at); });
      tooltip(one.layer, (i) => marked(card(one.facilities.names[i], one.facilities.label,
        rowsOf(one.facilities.fields, i).concat(...(one.facilities.changes || []).filter((c) => c.at === i).map((c) => c.rows))),
      one.facilities.marks, i));
    }
    (one.areas || []).forEach((area) => {
      area.layer = L.polygon(area.rings.map(decode), Object.assign({ color: COLOUR.area, weight: 1, opacity: 0.45,
        fillColor: COLOUR.area, fillOpacity: 0.09, fillRule: "evenodd" }, inAreas));
    });
    if (one.plan && one.plan.points) {
      one.plan.layer = L.featureGroup();
      decode(one.plan.points).forEach((at, i) => {
        const box = svg("svg", { viewBox: "0 0 26 34", width: pinSize[0], height: pinSize[1], "aria-hidden": "true" });
        const text = svg("text", { x: 13, y: 17.3, "text-anchor": "middle", fill: "#fff", "font-size": one.plan.sites[i].number > 99 ? 9 : 12, "font-weight": 700 });
        text.textContent = String(one.plan.sites[i].number);
        add(box, svg("path", { d: PIN, fill: COLOUR.pin, stroke: "#fff", "stroke-width": 1.6 }), text);
        const pin = L.marker(at, { index: i, keyboard: true, alt: "", zIndexOffset: 1000 - i,
          icon: L.divIcon({ className: "siting-pin", html: box, iconSize: pinSize, iconAnchor: [pinSize[0] / 2, pinSize[1] - 1] }) });
        one.plan.layer.addLayer(pin);
        pin.on("add", () => pin.getElement().setAttribute("aria-label", one.plan.sites[i].number + " " + one.plan.sites[i].name));
      });
      tooltip(one.plan.layer, (i) => describeSite(one, i));
    }
  });
  function describeSite(one, i) {
    return card(one.plan.sites[i].number + ". " + one.plan.sites[i].name, W.proposed, one.plan.sites[i].rows);
  }
  let candidates = null;
  if (data.candidates) {
    candidates = shapes(data.candidates, candidateStyle, 3.2);
    tooltip(candidates, (i) => card(data.candidates.names[i], W.candidates, rowsOf(data.candidates.fields, i)));
  }
  const communities = L.featureGroup();
  if (places.length) tooltip(communities, describeCommunity);

  /* ---- what is shown ---- */
  const shown = { streets: true, districts: true, candidates: false, pins: true, areas: {}, facilities: new Set() };
  const circleShown = (area, i) => (i in shown.areas ? shown.areas[i] : !area.off);
  function show(layer, yes) {
    if (!layer) return;
    if (yes && !map.hasLayer(layer)) map.addLayer(layer);
    if (!yes && map.hasLayer(layer)) map.removeLayer(layer);
  }
  function sync() {
    show(ground.streets, shown.streets);
    show(ground.districts, shown.districts);
    data.services.forEach((one) => {
      const active = one === service;
      (one.areas || []).forEach((area, i) => show(area.layer, active && circleShown(area, i)));
      if (one.plan) show(one.plan.layer, active && shown.pins);
    });
    show(candidates, shown.candidates);
    data.services.forEach((one) => show(one.layer, shown.facilities.has(one)));
    if (candidates && shown.candidates) candidates.bringToFront();
    data.services.forEach((one) => { if (one.layer && shown.facilities.has(one)) one.layer.bringToFront(); });
    if (shown.districts) placeNames();
  }
  function colour() {
    const verdict = told("verdict");
    thin = top < 3.5;
    /* Dots this small would be all outline. */
    const styles = (verdict ? verdict.rows.map((_, code) => verdictStyle(code, verdict.colours)) : [PLAIN]).map((style) =>
      Object.assign({ stroke: !thin || style.color !== "#fff" }, style));
    const last = [];
    drawing.forEach((i) => {
      const mark = marks[i], code = verdict ? verdict.codes[i] : 0, there = communities.hasLayer(mark);
      mark.options.still = styles[code];
      if (there) mark.setStyle(styles[code]);
      else Object.assign(mark.options, styles[code]);
      if (off.has(code)) {
        if (there) communities.removeLayer(mark);
        return;
      }
      if (!there) {
        mark.options.radius = mark._radius = radius(sizes ? sizes[i] : 0);
        communities.addLayer(mark);
      }
      if (verdict && code >= verdict.limits) last.push(mark);
    });
    map.addLayer(communities);
    /* Who is outside lies on top. */
    last.forEach((mark) => mark.bringToFront());
  }
  function resize() {
    const factor = Math.min(2.4, Math.pow(1.28, map.getZoom() - home));
    top = base * factor;
    marks.forEach((mark, i) => { mark.setRadius(radius(sizes ? sizes[i] : 0)); });
    if (thin !== top < 3.5) { colour(); sync(); }
    drawSizes();
  }

  /* ---- panel ---- */
  const panel = make("aside", "siting-panel");
  panel.style.setProperty("--pin", COLOUR.pin);
  const body = make("div", "siting-body");
  const brief = make("div", "siting-brief");
  const sizeBox = make("div", "siting-sizes");
  function row(picture, text, on, change, numbers, kind) {
    const line = make("label", "siting-row");
    const box = make("input");
    box.type = "checkbox";
    box.checked = on;
    if (kind) box.dataset.layer = kind;
    box.addEventListener("change", () => change(box.checked));
    add(line, box, picture, make("bdi", "", text));
    (numbers || []).forEach((n) => add(line, make("span", "siting-num", n)));
    return line;
  }
  function part(title, small) {
    const node = make("section", "siting-part");
    if (title) add(node, add(make("h2"), make("span", "", title), small ? make("small", "", small) : null));
    return node;
  }
  function drawVerdict() {
    const verdict = told("verdict");
    const node = part(verdict ? verdict.caption : W.communities);
    if (verdict && verdict.shares.length) {
      const tiles = make("div", "siting-tiles");
      verdict.shares.forEach((share, code) => {
        const tile = add(make("div", "siting-tile"), make("b", "", share.value), make("span", "", share.label),
          make("small", "", share.communities));
        tile.style.borderLeftColor = verdict.colours[code];
        add(tiles, tile);
      });
      add(node, tiles);
    }
    if (verdict && verdict.people) {
      const bar = make("div", "siting-bar");
      verdict.rows.forEach((one, code) => {
        const piece = make("i");
        piece.style.width = 100 * one.part + "%";
        piece.style.background = code > verdict.limits
          ? "repeating-linear-gradient(135deg," + COLOUR.outside + " 0 2px,#fff 2px 5px)" : verdictStyle(code, verdict.colours).fillColor;
        add(bar, piece);
      });
      add(node, bar);
    }
    const toggle = (code) => (yes) => { if (yes) off.delete(code); else off.add(code); colour(); sync(); };
    if (verdict) {
      const head = add(make("div", "siting-row siting-columns"), make("span", "siting-name", W.verdict),
        make("span", "siting-num", W.communities_short), verdict.people ? make("span", "siting-num", verdict.people) : null);
      add(node, head);
      verdict.rows.forEach((one, code) => {
        const line = row(swatch("circle", verdictStyle(code, verdict.colours)), one.label, !off.has(code), toggle(code),
          [one.communities].concat(one.people === undefined ? [] : [one.people]), "verdict-" + code);
        if (code === verdict.limits) line.classList.add("siting-strong");
        add(node, line);
      });
    } else {
      add(node, row(swatch("circle", PLAIN), W.communities, !off.has(0), toggle(0), [number(places.length)], "communities"));
    }
    if (sizes) { add(node, sizeBox); drawSizes(); }
    return node;
  }
  function drawSizes() {
    sizeBox.textContent = "";
    if (!sizes) return;
    add(sizeBox, make("span", "", W.people_size));
    const round = (v) => { const unit = Math.pow(10, Math.floor(Math.log10(v))); return Math.max(1, Math.round(v / unit)) * unit; };
    const most = reference * Math.min(1, Math.pow(14 / radius(reference), 2));
    [most / 6, most].forEach((people) => {
      const dot = make("i");
      dot.style.width = dot.style.height = 2 * radius(round(people)) + "px";
      add(sizeBox, add(make("span"), dot, make("span", "", number(round(people)))));
    });
  }
  function drawPlan() {
    const plan = told("plan");
    if (!plan) return null;
    const changes = plan.changes || [];
    const node = plan.sites.length ? part(null) : part(W.proposed, plan.share ? "0" : null);
    if (plan.sites.length) {
      add(node, row(swatch("pin"), W.proposed, shown.pins, (yes) => { shown.pins = yes; sync(); }, [number(plan.sites.length)], "pins"));
      node.firstChild.classList.add("siting-strong");
      const list = make("ol", "siting-sites");
      plan.sites.forEach((site, i) => {
        const button = make("button");
        button.type = "button";
        add(button, make("b", "", String(site.number)), make("bdi", "", site.name + (site.when ? " · " + site.when : "")),
          make("span", "siting-num", site.adds || ""));
        button.addEventListener("click", () => {
          const pin = plan.layer.getLayers()[i];
          if (narrow) fold(true);
          const scale = Math.max(map.getZoom(), home + 1.5);
          /* The middle of what the panel leaves free. */
          const aside = narrow ? 0 : (panel.offsetWidth + 12) / 2;
          const middle = map.unproject(map.project(pin.getLatLng(), scale).add([aside, 0]), scale);
          map.once("moveend", () => tip.setContent(describeSite(service, i)).setLatLng(pin.getLatLng()).addTo(map));
          map.setView(middle, scale, { animate: false });
        });
        add(list, add(make("li"), button));
      });
      add(node, list);
    }
    changes.forEach((kind) => {
      const style = changed((service.style || facilityStyle(0)), kind.change);
      const names = kind.sites.map((site) => site.name + (site.when ? " · " + site.when : ""));
      const line = add(make("div", "siting-change"), swatch("shape", style), make("span", "", kind.label));
      names.forEach((name, i) => add(line, make("bdi", "", name + (i + 1 < names.length ? W.comma : ""))));
      add(node, line);
    });
    const said = add(make("p", "siting-status"), make("span", "", plan.status));
    if (plan.share) {
      said.insertBefore(add(make("span", "siting-then"), make("span", "", plan.within), make("b", "", plan.share)), said.firstChild);
    }
    add(node, said);
    (plan.demand || []).forEach((words) => add(node, make("p", "siting-status", words)));
    return node;
  }
  function drawLayers() {
    const areas = told("areas") || [];
    const node = part(areas.length > 1 ? W.area : W.layers);
    const rings = make("div", areas.length > 1 ? "siting-rings" : "");
    areas.slice().reverse().forEach((area, back) => {
      const i = areas.length - 1 - back;
      add(rings, row(swatch("area", 0.14 + 0.16 * i), areas.length > 1 ? area.short : W.area + " " + area.short,
        circleShown(area, i), (yes) => { shown.areas[i] = yes; sync(); }, [], "area-" + i));
    });
    if (areas.length) add(node, rings);
    data.services.forEach((one, n) => {
      if (!one.layer) return;
      add(node, row(swatch("shape", one.style), one.facilities.label, shown.facilities.has(one), (yes) => {
        if (yes) shown.facilities.add(one); else shown.facilities.delete(one);
        sync();
      }, [number(one.facilities.names.length)], "facilities-" + n));
      if (one === service) one.facilities.marks.forEach((mark) => add(node, make("p", "siting-apart", mark.line)));
    });
    const simple = (key, picture, count) => add(node, row(picture, W[key], shown[key],
      (yes) => { shown[key] = yes; sync(); }, count ? [number(count)] : [], key));
    if (candidates) simple("candidates", swatch("shape", candidateStyle), data.candidates.names.length);
    if (ground.districts) simple("districts", swatch("border"), data.districts.names.length);
    if (ground.streets) simple("streets", swatch("street"), 0);
    return node;
  }
  /* What stays in sight when the panel is folded. */
  function drawBrief() {
    brief.textContent = "";
    const verdict = told("verdict");
    if (!verdict) return;
    add(brief, make("p", "siting-status", verdict.caption));
    const line = make("div", "siting-shares");
    verdict.shares.forEach((share, code) => {
      add(line, add(make("span"), swatch("circle", verdictStyle(code, verdict.colours)), make("span", "", share.short), make("b", "", share.value)));
    });
    const outside = verdict.rows[verdict.limits];
    add(line, add(make("span"), swatch("circle", verdictStyle(verdict.limits, verdict.colours)), make("span", "", W.outside_short),
      make("b", "", verdict.missed)));
    add(brief, outside ? line : null);
  }
  function drawBody() {
    body.textContent = "";
    drawBrief();
    if (places.length) add(body, drawVerdict());
    add(body, drawPlan(), drawLayers());
  }
  function choose(one) {
    service = one;
    off = new Set();
    shown.facilities = new Set(one && one.layer ? [one] : []);
    tip.remove();
    drawBody();
    colour();
    sync();
  }
  const folder = make("button", "siting-fold");
  function fold(yes) {
    panel.classList.toggle("siting-folded", yes);
    folder.setAttribute("aria-expanded", String(!yes));
    folder.title = yes ? W.open : W.close;
    folder.setAttribute("aria-label", folder.title);
  }
  function drawPanel() {
    const head = make("div", "siting-head");
    folder.type = "button";
    const chevron = svg("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" });
    add(folder, add(chevron, svg("path", { d: "M3 10l5-5 5 5", fill: "none", stroke: "currentColor", "stroke-width": 2 })));
    folder.addEventListener("click", () => fold(!panel.classList.contains("siting-folded")));
    add(head, add(make("div", "siting-title"), make("h1", "", data.title), folder));
    if (data.notices.length) {
      const notice = make("div", "siting-notice");
      data.notices.forEach((text) => add(notice, make("p", "", text)));
      add(head, notice);
    }
    if (data.services.length > 1) {
      const choice = make("div", "siting-services");
      choice.setAttribute("role", "radiogroup");
      choice.setAttribute("aria-label", W.service);
      data.services.forEach((one, n) => {
        const button = make("input");
        button.type = "radio";
        button.name = "siting-service";
        button.value = String(n);
        button.checked = n === 0;
        button.addEventListener("change", () => choose(one));
        add(choice, add(make("label"), button, make("span", "", one.name)));
      });
      add(head, choice);
    }
    add(head, brief);
    add(panel, head, body);
    fold(narrow);
    L.DomEvent.disableClickPropagation(panel);
    L.DomEvent.disableScrollPropagation(panel);
    add(map.getContainer(), panel);
  }

  /* ---- the map itself ---- */
  const bounds = L.latLngBounds([data.bounds[0], data.bounds[1]], [data.bounds[2], data.bounds[3]]);
  let home = 12, base = 9, ready = false;
  function fit() {
    const right = narrow ? 16 : 352;
    const wide = map.getSize().x > 560;
    map.fitBounds(bounds, { paddingTopLeft: [narrow ? 16 : 24, narrow ? panel.offsetHeight + 44 : 56],
      paddingBottomRight: [wide ? right : 16, narrow ? 64 : 48], maxZoom: 17, animate: false });
  }
  function start() {
    if (ready || !map.getSize().x || !map.getSize().y) return;
    ready = true;
    map.setMaxZoom(19);
    fit();
    home = map.getZoom();
    map.setMinZoom(Math.max(0, home - 3));
    map.setMaxBounds(bounds.pad(2));
    const view = map.latLngToLayerPoint(bounds.getNorthEast()).subtract(map.latLngToLayerPoint(bounds.getSouthWest()));
    const room = Math.sqrt(Math.abs(view.x * view.y) / Math.max(1, places.length));
    base = Math.max(1.6, Math.min(13, 0.42 * room));
    map.on("zoomend", () => { resize(); placeNames(); });
    top = base;
    choose(service);
    document.documentElement.dataset.siting = "ready";
  }
  const zoom = L.control.zoom({ position: narrow ? "bottomright" : "topleft", zoomInTitle: W.scalein, zoomOutTitle: W.scaleout });
  zoom.addTo(map);
  const whole = make("a", "siting-fit");
  whole.href = "#";
  whole.title = W.fit;
  whole.setAttribute("role", "button");
  whole.setAttribute("aria-label", W.fit);
  add(whole, add(svg("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }),
    svg("path", { d: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4", fill: "none", stroke: "currentColor", "stroke-width": 1.8 })));
  whole.addEventListener("click", (event) => { event.preventDefault(); fit(); });
  add(zoom.getContainer(), whole);
  L.control.scale({ position: "bottomleft", imperial: false, maxWidth: 120 }).addTo(map);
  if (data.attribution) {
    const foot = make("div", "siting-foot", W.sources + data.attribution);
    map.getContainer().querySelector(".leaflet-bottom.leaflet-left").appendChild(foot);
  }
  drawPanel();
  start();
  if (window.ResizeObserver) {
    new ResizeObserver(() => { map.invalidateSize(); start(); }).observe(map.getContainer());
  }
};
