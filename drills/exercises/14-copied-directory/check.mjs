const stock = [1, 2, 3].map((i) => `workshop/stock/${i}`);

export default [
  {
    is: {
      en: 'every member knows all three, and they elect one leader',
      tr: 'her üye üçünü de tanıyor ve tek bir lider seçiyorlar',
    },
    check: async (see) => {
      const [members, list] = [await see.members(), await see.memberList()];
      const leaders = members.filter(({ status }) => status?.role === 'leader').map(({ node }) => node);
      const isUp = members.every(({ status }) => status !== undefined);
      return {
        met:
          isUp &&
          leaders.length === 1 &&
          list
            .map(({ name }) => name)
            .sort()
            .join() === 'node1,node2,node3',
        seen: { en: `leaders: ${leaders.join(', ') || 'none'}`, tr: `liderler: ${leaders.join(', ') || 'yok'}` },
      };
    },
  },
  {
    is: {
      en: 'it is a new cluster: no member has an ID from before',
      tr: "yeni bir cluster: hiçbir üyede eski ID'ler yok",
    },
    check: async (see) => {
      const before = (await see.note('members')) ?? '';
      const list = await see.memberList();
      const ids = list.map(({ id }) => id).join(', ');
      return { met: list.length === 3 && list.every(({ id }) => !before.includes(id)), seen: ids };
    },
  },
  {
    is: {
      en: 'every member itself holds what the snapshot held, and nothing else',
      tr: "her üyenin kendisinde snapshot'takiler var, başka bir şey yok",
    },
    guard: true,
    check: async (see) => {
      for (const { node } of await see.members()) {
        const keys = (await see.keys('workshop/stock/', { node })).map(({ key }) => key);
        if (keys.join() !== stock.join()) return { met: false, seen: `${node}: ${keys.join(', ') || '-'}` };
      }
      return { met: true, seen: stock.join(', ') };
    },
  },
  {
    is: {
      en: 'workshop/clusters says how many clusters there were',
      tr: 'workshop/clusters kaç cluster olduğunu söylüyor',
    },
    check: async (see) => {
      const answer = await see.key('workshop/clusters');
      return { met: answer?.value === '3', seen: answer?.value ?? '-' };
    },
  },
];
