export default [
  {
    is: {
      en: 'missed.txt says which mode the watcher was never told of',
      tr: 'missed.txt, izleyiciye hiç söylenmeyen modun adını içeriyor',
    },
    check: async (see) => {
      const answer = await see.file('missed.txt');
      return {
        met: answer === 'maintenance',
        seen: answer?.slice(0, 100) ?? { en: 'there is no such file', tr: 'böyle bir dosya yok' },
      };
    },
  },
  {
    is: {
      en: 'the revision of the cluster is beyond all that the watcher has seen',
      tr: "cluster'ın revision'ı, izleyicinin gördüğü her şeyin ötesinde",
    },
    check: async (see) => {
      const [revision, seen] = [await see.revision(), Number(await see.note('seen-revision'))];
      return {
        met: revision > seen && seen > 0,
        seen: {
          en: `${revision}; the watcher has seen ${seen}`,
          tr: `${revision}; izleyici ${seen} revision'ını görmüş`,
        },
      };
    },
  },
  {
    is: {
      en: 'what the watcher would go on from is compacted, on every member',
      tr: "izleyicinin devam edeceği revision'da her üyede compaction yapılmış",
    },
    check: async (see) => {
      const next = Number(await see.note('seen-revision')) + 1;
      const open = [];
      for (const { node } of await see.members()) {
        const answer = await see.key('workshop/config/mode', { node, revision: next }).then(
          () => 'it can be read',
          ({ message }) => message,
        );
        if (!/compacted/.test(answer)) open.push(`${node}: ${answer}`);
      }
      return { met: open.length === 0, seen: open.join(', ') || { en: 'compacted', tr: 'yapılmış' } };
    },
  },
  {
    is: { en: 'told.txt holds what the watcher is told now', tr: 'told.txt, izleyiciye şimdi söyleneni içeriyor' },
    check: async (see) => {
      const answer = await see.file('told.txt');
      return {
        met: /required revision has been compacted/.test(answer ?? ''),
        seen: answer?.slice(0, 200) ?? { en: 'there is no such file', tr: 'böyle bir dosya yok' },
      };
    },
  },
  {
    is: { en: 'three members hold the same data (HashKV)', tr: 'üç üyede aynı veri var (HashKV)' },
    guard: true,
    check: async (see) => {
      const hashes = await see.hashes();
      return {
        met: hashes.length === 3 && new Set(hashes.map(({ hash }) => hash)).size === 1,
        seen: hashes.map(({ node, hash }) => `${node}: ${hash}`).join(', '),
      };
    },
  },
];
