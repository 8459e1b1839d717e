const none = { en: 'no answer yet', tr: 'henüz cevap yok' };

export default ['anna', 'boris', 'chloe', 'deniz', 'emil'].map((name) => ({
  is: { en: `workshop/why/${name} says what is so`, tr: `workshop/why/${name} doğru cevabı içeriyor` },
  check: async (see) => {
    const answer = await see.key(`workshop/why/${name}`);
    return { met: answer !== undefined && answer.value === (await see.note(name)), seen: answer?.value ?? none };
  },
}));
