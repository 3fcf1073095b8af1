// Alarms over time. Lanes are lines of text with bars beside them, so that they scroll and print.
export default {
  template: `
    <figure class="lanes" :style="rules">
      <div class="lane-marks"><span></span><div class="lane-track">
        <span v-for="m in marks" :key="m.what" :class="['mark', m.what]" :style="{ left: m.at + '%' }"
          ><b :style="{ transform: 'translateX(-' + m.at + '%)' }">{{ m.says }}</b></span>
      </div></div>
      <div class="lane-list" tabindex="0" role="group" aria-label="Alarms by managed object">
        <div v-for="(name, i) in shown" :key="name" :class="['lane', i < causes ? 'suspect' : '']"
          v-memo="[name, bars, causes]">
          <button type="button" class="lane-name" :title="name" @click="$emit('element', name)"
            >{{ name }}</button>
          <div class="lane-track">
            <i v-for="(b, k) in of(i)" :key="k" :class="[b[4], b[3] ? 'open' : '']" :title="b[5]"
              :style="{ left: b[1] + '%', width: 'max(6px,' + (b[2] - b[1]) + '%)' }"></i>
          </div>
        </div>
      </div>
      <div class="lane-ticks"><span></span><div class="lane-track">
        <span v-for="t in ticks" :key="t[0]" :style="{ left: t[0] + '%' }">{{ t[1] }}</span>
      </div></div>
      <figcaption class="dim small">{{ bars.length }} groups of alarms on {{ lanes.length }} objects, UTC;
        a bar without an end is raised still</figcaption>
    </figure>`,
  props: { lanes: Array, causes: Number, bars: Array, marks: Array, ticks: Array },
  data: () => ({ painted: false }),
  computed: {
    // What stands above is painted first.
    shown() { return this.painted ? this.lanes : []; },
    rules() {
      const at = Object.fromEntries(this.marks.map((m) => [`--${m.what}`, `${m.at}%`]));
      return { "--change": "-9px", ...at };
    },
    byLane() {
      const lanes = this.lanes.map(() => []);
      for (const bar of this.bars) lanes[bar[0]].push(bar);
      return lanes;
    },
  },
  mounted() { requestAnimationFrame(() => setTimeout(() => { this.painted = true; })); },
  methods: { of(lane) { return this.byLane[lane]; } },
};
