const none = { en: 'no answer yet', tr: 'henüz cevap yok' };

/** @returns a condition: the answer to NAME is what setup has noted down */
const answered = (name, is) => ({
  is,
  check: async (see) => {
    const answer = await see.key(`workshop/why/${name}`);
    return { met: answer !== undefined && answer.value === (await see.note(name)), seen: answer?.value ?? none };
  },
});

export default [
  ...['anna', 'boris', 'chloe', 'deniz', 'emil'].map((name) =>
    answered(name, { en: `workshop/why/${name} says what is so`, tr: `workshop/why/${name} doğru cevabı içeriyor` }),
  ),
  answered('server', {
    en: "workshop/why/server is the address that the server's certificate names",
    tr: 'workshop/why/server, sunucu sertifikasında yazan adres',
  }),
];
