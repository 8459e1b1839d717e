const none = { en: 'there is no such key', tr: 'böyle bir anahtar yok' };
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

export default [
  {
    is: { en: 'alarms.txt shows the alarm', tr: 'alarms.txt alarmı gösteriyor' },
    check: async (see) => {
      const said = await see.file('alarms.txt');
      return {
        met: said?.includes('NOSPACE') === true,
        seen: said ?? { en: 'no such file', tr: 'böyle bir dosya yok' },
      };
    },
  },
  {
    is: {
      en: 'nothing is left under workshop/filler/, and every order is there',
      tr: 'workshop/filler/ altı boş, siparişlerin hepsi duruyor',
    },
    check: async (see) => {
      const [fillers, orders] = [await see.count('workshop/filler/'), await see.count('workshop/orders/')];
      return {
        met: fillers === 0 && orders === 3,
        seen: { en: `${fillers} fillers, ${orders} orders`, tr: `${fillers} dolgu, ${orders} sipariş` },
      };
    },
  },
  {
    is: { en: 'the database of every member is smaller again', tr: 'her üyenin veritabanı yeniden küçük' },
    check: async (see) => {
      const before = new Map((await see.remembered('members')).map(({ node, status }) => [node, status?.dbSizeBytes]));
      const members = await see.members();
      return {
        met: members.every(({ node, status }) => status !== undefined && status.dbSizeBytes < before.get(node) - 3e6),
        seen: members
          .map(({ node, status }) => `${node}: ${status === undefined ? '-' : megabytes(status.dbSizeBytes)}`)
          .join(', '),
      };
    },
  },
  {
    is: { en: 'no alarm is raised', tr: 'etkin alarm yok' },
    check: async (see) => {
      const alarms = await see.alarms();
      const seen = alarms.map(({ node, alarm }) => `${node}: ${alarm}`).join(', ');
      return { met: alarms.length === 0, seen: seen || { en: 'none', tr: 'yok' } };
    },
  },
  {
    is: { en: 'workshop/again says "yes"', tr: 'workshop/again "yes" diyor' },
    check: async (see) => {
      const again = await see.key('workshop/again');
      return { met: again?.value === 'yes', seen: again?.value ?? none };
    },
  },
];
