// The map of an incident: drag to move, wheel or + and - to zoom, click an element to read it.
export default {
  template: `
    <figure class="map">
      <div class="map-tools">
        <button type="button" class="tool" aria-label="Zoom in" @click="zoom(1.3)">+</button>
        <button type="button" class="tool" aria-label="Zoom out" @click="zoom(1 / 1.3)">−</button>
        <button type="button" class="tool" aria-label="Show everything" @click="fit">⤢</button>
      </div>
      <svg ref="svg" role="group" aria-label="Map of the incident's elements"
        :viewBox="view.join(' ')" @wheel.prevent="wheel" @pointerdown="grab" @pointermove="drag"
        @pointerup="drop" @pointerleave="drop">
        <template v-if="painted">
        <line v-for="(l, i) in links" :key="i" v-memo="[l, nodes]" :class="l[2] ? 'causal' : ''" :x1="nodes[l[0]].x"
          :y1="nodes[l[0]].y" :x2="nodes[l[1]].x" :y2="nodes[l[1]].y" />
        <g v-for="n in nodes" :key="n.name" v-memo="[n, size, unit]"
          :class="['node', n.is, n.serves ? 'serves' : '']"
          :transform="'translate(' + n.x + ',' + n.y + ')'" role="button" tabindex="0"
          :aria-label="n.name + ': ' + n.says" @click="pick(n)" @keydown.enter="pick(n)">
          <title>{{ n.name }}: {{ n.says }}</title>
          <path v-if="n.is === 'cause'" :d="diamond" :transform="upright" />
          <circle v-else :r="n.is === 'unknown' ? 5 * size : 8 * size" />
          <text v-if="labelled(n)" :y="19 * size" :font-size="11 * unit">{{ n.name }}</text>
        </g>
        </template>
      </svg>
      <figcaption class="legend">
        <span class="node cause">◆ cause</span><span class="node symptom">● in alarm</span>
        <span class="node silent">◌ silent</span><span class="node unknown">• nothing known</span>
        <span class="dim">{{ nodes.length }} elements</span>
      </figcaption>
    </figure>`,
  props: { nodes: Array, links: Array },
  data: () => ({ view: [0, 0, 1, 1], room: [600, 380], from: null, moved: false, painted: false }),
  computed: {
    unit() { return Math.max(this.view[2] / this.room[0], this.view[3] / this.room[1]); },
    // What is drawn keeps its size on the screen, but never grows into its neighbours.
    size() { return Math.min(this.unit, 1.7); },
    diamond: () => "M0 -13L13 0L0 13L-13 0Z",
    upright() { return `scale(${this.size})`; },
  },
  watch: { nodes: { handler() { this.fit(); } } },
  mounted() {
    const measured = () => { this.room = [this.$refs.svg.clientWidth, this.$refs.svg.clientHeight]; };
    this.watcher = new ResizeObserver(measured);
    this.watcher.observe(this.$refs.svg);
    measured();
    this.fit();
    // What stands above is painted first.
    requestAnimationFrame(() => setTimeout(() => { this.painted = true; }));
  },
  unmounted() { this.watcher.disconnect(); },
  methods: {
    labelled(n) { return n.is === "cause" || this.nodes.length <= 40 || this.unit < 0.9; },
    fit() {
      const xs = this.nodes.map((n) => n.x), ys = this.nodes.map((n) => n.y);
      const pad = 40, x = Math.min(...xs) - pad, y = Math.min(...ys) - pad;
      const w = Math.max(320, Math.max(...xs) - x + pad), h = Math.max(240, Math.max(...ys) - y + pad);
      this.view = this.nodes.length ? [x, y, w, h] : [0, 0, 1, 1];
    },
    zoom(by, cx, cy) {
      const [x, y, w, h] = this.view;
      cx ??= x + w / 2; cy ??= y + h / 2;
      this.view = [cx - (cx - x) / by, cy - (cy - y) / by, w / by, h / by];
    },
    at(event) {
      const p = new DOMPoint(event.clientX, event.clientY);
      return p.matrixTransform(this.$refs.svg.getScreenCTM().inverse());
    },
    wheel(event) {
      const p = this.at(event);
      this.zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, p.x, p.y);
    },
    grab(event) { this.from = this.at(event); this.moved = false; },
    drag(event) {
      if (!this.from) return;
      const p = this.at(event);
      const dx = p.x - this.from.x, dy = p.y - this.from.y;
      if (Math.hypot(dx, dy) < this.view[2] / 150) return;
      this.moved = true;
      this.view = [this.view[0] - dx, this.view[1] - dy, this.view[2], this.view[3]];
    },
    drop() { this.from = null; },
    pick(n) { if (!this.moved) this.$emit("element", n.name); this.moved = false; },
  },
};
