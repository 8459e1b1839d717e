const missing = (name) => ({ en: `there is no file ${name}`, tr: `${name} dosyası yok` });

export default [
  {
    is: { en: 'two members were stopped', tr: 'iki üye durduruldu' },
    check: async (see) => {
      const before = new Map((await see.remembered('members')).map(({ node, pid }) => [node, pid]));
      const members = await see.members();
      const stopped = members.filter(({ node, pid }) => pid !== before.get(node));
      return {
        met: stopped.length >= 2,
        seen: members.map(({ node, pid, process }) => `${node} ${process} ${pid ?? ''}`.trim()).join(', '),
      };
    },
  },
  {
    is: {
      en: 'survivor.txt has what the last member knows of workshop/known',
      tr: 'survivor.txt, kalan üyenin workshop/known hakkında bildiğini içeriyor',
    },
    check: async (see) => {
      const answer = await see.file('survivor.txt');
      return { met: answer?.includes('acknowledged by a majority') === true, seen: answer ?? missing('survivor.txt') };
    },
  },
  {
    is: {
      en: 'refused.txt says that a write was refused for want of a majority',
      tr: 'refused.txt, çoğunluk olmadığı için bir yazmanın reddedildiğini söylüyor',
    },
    check: async (see) => {
      const refusal = await see.file('refused.txt');
      const met = refusal !== undefined && /timed out|deadline exceeded|no leader/i.test(refusal);
      return { met, seen: refusal ?? missing('refused.txt') };
    },
  },
  {
    is: { en: 'workshop/again says "yes"', tr: 'workshop/again "yes" diyor' },
    check: async (see) => {
      const again = await see.key('workshop/again');
      return {
        met: again?.value === 'yes',
        seen: again?.value ?? { en: 'there is no such key', tr: 'böyle bir anahtar yok' },
      };
    },
  },
  {
    is: { en: 'all members answer', tr: 'bütün üyeler cevap veriyor' },
    guard: true,
    check: async (see) => {
      const silent = (await see.members()).filter(({ status }) => status === undefined).map(({ node }) => node);
      return {
        met: silent.length === 0,
        seen:
          silent.length === 0
            ? { en: 'they do', tr: 'veriyor' }
            : { en: `silent: ${silent.join(', ')}`, tr: `sessiz: ${silent.join(', ')}` },
      };
    },
  },
];
