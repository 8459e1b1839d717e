const invoices = [1, 2, 3, 4, 5].map((i) => `workshop/invoices/${i}`);

export default [
  {
    is: {
      en: 'three members run, and know each other as one cluster',
      tr: 'üç üye çalışıyor ve birbirini tek bir cluster olarak tanıyor',
    },
    check: async (see) => {
      const down = (await see.members()).filter(({ status }) => status === undefined).map(({ node }) => node);
      if (down.length > 0) {
        return { met: false, seen: { en: `no answer: ${down.join(', ')}`, tr: `cevap yok: ${down.join(', ')}` } };
      }
      const names = (await see.memberList()).map(({ name }) => name).sort();
      return { met: names.join() === 'node1,node2,node3', seen: names.join(', ') };
    },
  },
  {
    is: {
      en: 'it is a new cluster: no member has an ID from before',
      tr: "yeni bir cluster: hiçbir üyede eski ID'ler yok",
    },
    check: async (see) => {
      const before = (await see.note('members')) ?? '';
      const old = (await see.memberList()).filter(({ id }) => before.includes(id)).map(({ name }) => name);
      return {
        met: old.length === 0,
        seen:
          old.length === 0
            ? { en: 'all are new', tr: 'hepsi yeni' }
            : { en: `old: ${old.join(', ')}`, tr: `eski: ${old.join(', ')}` },
      };
    },
  },
  {
    is: {
      en: 'every member itself holds the five invoices of the snapshot, and not the sixth',
      tr: "her üyenin kendisinde snapshot'taki beş fatura var, altıncısı yok",
    },
    check: async (see) => {
      for (const { node } of await see.members()) {
        const keys = (await see.keys('workshop/invoices/', { node })).map(({ key }) => key);
        if (keys.join() !== invoices.join()) return { met: false, seen: `${node}: ${keys.join(', ') || '-'}` };
      }
      return { met: true, seen: invoices.join(', ') };
    },
  },
  {
    is: { en: 'all members hold the same data (HashKV)', tr: 'bütün üyelerde aynı veri var (HashKV)' },
    check: async (see) => {
      const hashes = await see.hashes();
      return {
        met: hashes.length === 3 && new Set(hashes.map(({ hash }) => hash)).size === 1,
        seen: hashes.map(({ node, hash }) => `${node}: ${hash}`).join(', '),
      };
    },
  },
  {
    is: {
      en: 'workshop/lost names the key that the snapshot did not have',
      tr: "workshop/lost, snapshot'ta olmayan anahtarın adı",
    },
    check: async (see) => {
      const answer = await see.key('workshop/lost');
      return { met: answer?.value === 'workshop/invoices/6', seen: answer?.value ?? '-' };
    },
  },
];
