/** What must be there after each of the disasters. */
const accountsAfter = (kind) =>
  (kind === 'disk' ? [1, 2, 3, 4, 5, 6] : [1, 2, 3, 4, 5]).map((i) => `workshop/exam/account-${i}`);

export default [
  {
    is: {
      en: 'three members vote in one cluster, and all of them answer',
      tr: 'üç üye tek bir cluster içinde oy veriyor ve hepsi cevap veriyor',
    },
    check: async (see) => {
      const members = await see.members();
      const silent = members.filter(({ status }) => status === undefined).map(({ node }) => node);
      if (silent.length > 0) {
        return { met: false, seen: { en: `no answer: ${silent.join(', ')}`, tr: `cevap yok: ${silent.join(', ')}` } };
      }
      const voters = (await see.memberList()).filter(({ isLearner }) => !isLearner).map(({ name }) => name);
      return { met: voters.sort().join() === 'node1,node2,node3', seen: voters.join(', ') };
    },
  },
  {
    is: {
      en: 'the members that were lost did not come back under their old IDs',
      tr: "kaybedilen üyeler eski ID'leriyle geri dönmedi",
    },
    check: async (see) => {
      const before = ((await see.note('members')) ?? '').split('\n').map((line) => line.split(', ')[0]);
      const old = (await see.memberList()).filter(({ id }) => before.includes(id)).map(({ name }) => name);
      const expected = (await see.note('kind')) === 'disk' ? 2 : 0;
      const seen =
        old.length === 0
          ? { en: 'all IDs are new', tr: "bütün ID'ler yeni" }
          : { en: `old IDs: ${old.join(', ')}`, tr: `eski ID'ler: ${old.join(', ')}` };
      return { met: before.length === 3 && old.length === expected, seen };
    },
  },
  {
    is: {
      en: 'every member itself holds each account that could be saved',
      tr: 'her üyenin kendisinde, kurtarılabilecek bütün hesaplar var',
    },
    check: async (see) => {
      const wanted = accountsAfter(await see.note('kind'));
      for (const { node } of await see.members()) {
        const keys = (await see.keys('workshop/exam/account-', { node })).map(({ key }) => key);
        const missing = wanted.filter((key) => !keys.includes(key));
        if (missing.length > 0)
          return {
            met: false,
            seen: { en: `${node} lacks ${missing.join(', ')}`, tr: `${node} üzerinde eksik: ${missing.join(', ')}` },
          };
      }
      return { met: true, seen: wanted.join(', ') };
    },
  },
  {
    is: { en: 'all members hold the same data (HashKV)', tr: 'bütün üyelerde aynı veri var (HashKV)' },
    check: async (see) => {
      const hashes = await see.hashes();
      const [names, list] = [new Set(hashes.map(({ hash }) => hash)), await see.memberList()];
      return {
        met: hashes.length === 3 && names.size === 1 && list.length === 3,
        seen: hashes.map(({ node, hash }) => `${node}: ${hash}`).join(', '),
      };
    },
  },
  {
    is: {
      en: 'workshop/exam/signed is written; from the disaster until here is your RTO',
      tr: 'workshop/exam/signed yazıldı; felaketten buraya kadar geçen süre RTO değerinizdir',
    },
    check: async (see) => {
      const [signed, since] = [await see.key('workshop/exam/signed'), Number(await see.note('since'))];
      const seconds = Math.round(Date.now() / 1000 - since);
      return { met: signed !== undefined && since > 0, seen: { en: `${seconds} s`, tr: `${seconds} sn` } };
    },
  },
];
