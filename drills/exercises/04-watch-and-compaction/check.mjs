const none = { en: 'there is no such key', tr: 'böyle bir anahtar yok' };

export default [
  {
    is: {
      en: 'workshop/answer/highest is the highest price ever',
      tr: 'workshop/answer/highest bugüne kadarki en yüksek fiyat',
    },
    check: async (see) => {
      const answer = await see.key('workshop/answer/highest');
      return { met: answer?.value === '170', seen: answer?.value ?? none };
    },
  },
  {
    is: {
      en: 'every member is compacted at the mod revision of workshop/price',
      tr: "her üyede workshop/price'ın mod revision'ına kadar compaction yapılmış",
    },
    check: async (see) => {
      const price = await see.key('workshop/price');
      const hashes = await see.hashes();
      const met = price !== undefined && hashes.every(({ compactRevision }) => compactRevision >= price.modRevision);
      const compacted = hashes.map(({ node, compactRevision }) => `${node}: ${compactRevision}`).join(', ');
      return { met, seen: `${compacted}; mod revision ${price?.modRevision}` };
    },
  },
  {
    is: {
      en: 'compacted.txt says why the watch cannot begin there any more',
      tr: "compacted.txt, watch'ın neden artık oradan başlayamadığını söylüyor",
    },
    check: async (see) => {
      const said = await see.file('compacted.txt');
      const met = said?.includes('required revision has been compacted') === true;
      return { met, seen: said ?? { en: 'there is no such file', tr: 'böyle bir dosya yok' } };
    },
  },
  {
    is: { en: 'workshop/price is what it was', tr: 'workshop/price olduğu gibi duruyor' },
    guard: true,
    check: async (see) => {
      const price = await see.key('workshop/price');
      return { met: price?.value === '120', seen: price?.value ?? none };
    },
  },
];
