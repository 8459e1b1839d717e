const none = { en: 'there is no such key', tr: 'böyle bir anahtar yok' };
const fruits = 12;

export default [
  {
    is: {
      en: 'workshop/greeting says "good morning", and said "hello" before',
      tr: 'workshop/greeting "good morning" diyor; ondan önce "hello" diyordu',
    },
    check: async (see) => {
      const now = await see.key('workshop/greeting');
      if (now === undefined) return { met: false, seen: none };
      const first = await see.key('workshop/greeting', { revision: now.createRevision });
      const met = now.value === 'good morning' && first?.value === 'hello';
      return { met, seen: now.version === 1 ? now.value : `${first?.value} → ${now.value}` };
    },
  },
  {
    is: {
      en: 'workshop/answer/fruits is the number of keys under workshop/fruit/',
      tr: 'workshop/answer/fruits, workshop/fruit/ altındaki anahtarların sayısı',
    },
    check: async (see) => {
      const answer = await see.key('workshop/answer/fruits');
      return { met: answer?.value === String(fruits), seen: answer?.value ?? none };
    },
  },
  {
    is: {
      en: 'workshop/answer/created is the revision that created workshop/greeting',
      tr: 'workshop/answer/created, workshop/greeting anahtarını oluşturan revision',
    },
    check: async (see) => {
      const answer = await see.key('workshop/answer/created');
      const greeting = await see.key('workshop/greeting');
      const met = greeting !== undefined && answer?.value === String(greeting.createRevision);
      return { met, seen: answer?.value ?? none };
    },
  },
  {
    is: { en: 'nothing is left under workshop/old/', tr: 'workshop/old/ altında hiçbir şey kalmadı' },
    check: async (see) => {
      const [old, kept] = [await see.count('workshop/old/'), await see.count('workshop/fruit/')];
      return {
        met: old === 0 && kept === fruits,
        seen: {
          en: `${old} keys there, ${kept} under workshop/fruit/`,
          tr: `orada ${old} anahtar, workshop/fruit/ altında ${kept} anahtar`,
        },
      };
    },
  },
];
