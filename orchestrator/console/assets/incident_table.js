// The rows of the incident board. Rows keep their elements, and so the focus, while they change.
export default {
  template: `
    <table class="board" data-rows>
      <caption class="unseen">Open incidents</caption>
      <thead><tr>
        <th>Severity</th><th>Incident</th><th>Site</th><th class="n">Age</th><th class="n">Alarms</th>
        <th>Status</th><th>Confidence</th><th>Taken by</th><th><span class="unseen">Actions</span></th>
      </tr></thead>
      <tbody>
        <tr v-for="row in rows" :key="row.id" data-row tabindex="-1" :data-severity="row.severity"
          :data-site="row.sites.join(' ')" :data-owner="row.whose">
          <td><span :class="'chip severity ' + row.severity.toLowerCase()"
            >{{ row.severity.toLowerCase() }}</span></td>
          <td class="what"><a :href="'/incidents/' + row.id">{{ row.headline || row.id }}</a>
            <div class="dim small">{{ row.headline ? row.id : '' }} {{ row.message }}</div></td>
          <td>{{ row.site }}</td>
          <td class="n" :title="row.opened">{{ row.age }}</td>
          <td class="n">{{ row.alarms }}<div class="dim small">{{ row.groups }}</div></td>
          <td><span :class="'state ' + row.stage">{{ row.status }}</span></td>
          <td class="sure"><span v-if="row.confidence" class="meter"
            ><i :style="{ width: row.width + '%' }"></i></span>{{ row.confidence }}</td>
          <td>{{ row.whose === 'mine' ? 'you' : row.owner }}</td>
          <td class="acts"><template v-if="row.acts">
            <button v-if="row.whose === 'free'" class="main" data-key="t"
              :aria-label="'Take ' + row.id" @click="$emit('take', row.id)">Take</button>
            <button v-if="row.whose === 'mine'" class="quiet" data-key="u"
              :aria-label="'Give back ' + row.id" @click="$emit('release', row.id)">Give back</button>
            <button v-if="row.assigns" class="quiet" data-key="s"
              :aria-label="'Assign ' + row.id" @click="$emit('assign', row.id)">Assign</button>
            <button class="quiet" data-key="a" :aria-label="'Acknowledge the alarms of ' + row.id"
              @click="$emit('acknowledge', row.id)">Acknowledge</button>
            <button class="quiet" data-key="c" :aria-label="'Close ' + row.id"
              @click="$emit('close', row.id)">Close</button>
          </template></td>
        </tr>
      </tbody>
    </table>`,
  props: { rows: Array },
};
