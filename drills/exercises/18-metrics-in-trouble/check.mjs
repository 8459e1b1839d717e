const none = { en: 'there is no such key', tr: 'böyle bir anahtar yok' };

export default [
  {
    is: {
      en: 'workshop/metrics/leader is the URL of the member that says it leads',
      tr: "workshop/metrics/leader, lider olduğunu söyleyen üyenin URL'si",
    },
    check: async (see) => {
      const [answer, leader, list] = [
        await see.key('workshop/metrics/leader'),
        await see.leader(),
        await see.memberList(),
      ];
      const urls = list.find(({ name }) => name === leader)?.clientUrls ?? [];
      return { met: urls.includes(answer?.value.replace(/\/$/, '')), seen: answer?.value ?? none };
    },
  },
  {
    is: {
      en: 'workshop/metrics/missing is the ID of the member that the leader cannot reach',
      tr: "workshop/metrics/missing, liderin ulaşamadığı üyenin ID'si",
    },
    check: async (see) => {
      const answer = await see.key('workshop/metrics/missing');
      return { met: answer !== undefined && answer.value === (await see.note('id')), seen: answer?.value ?? none };
    },
  },
  {
    is: {
      en: 'workshop/metrics/spare says how many more members may fail in that state',
      tr: 'workshop/metrics/spare, o durumda daha kaç üyenin kaybedilebileceğini söylüyor',
    },
    check: async (see) => {
      const answer = await see.key('workshop/metrics/spare');
      return { met: answer?.value === '0', seen: answer?.value ?? none };
    },
  },
  {
    is: { en: 'all members answer again', tr: 'bütün üyeler yeniden cevap veriyor' },
    check: async (see) => {
      const silent = (await see.members()).filter(({ status }) => status === undefined).map(({ node }) => node);
      return { met: silent.length === 0, seen: silent.join(', ') || { en: 'all do', tr: 'hepsi veriyor' } };
    },
  },
];
