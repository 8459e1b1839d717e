const none = { en: 'there is none', tr: 'yok' };
const plain = (text = '') =>
  text
    .replace(/^serial=/i, '')
    .replaceAll(':', '')
    .replace(/^0+/, '')
    .trim()
    .toLowerCase();

export default [
  {
    is: {
      en: 'old.pem and old-key.pem are the certificate and key that you had before',
      tr: 'old.pem ve old-key.pem, başlangıçtaki sertifikanız ve anahtarı',
    },
    check: async (see) => {
      const [old, key] = [await see.certificate('old.pem'), await see.file('old-key.pem')];
      const serial = plain(await see.note('old-serial'));
      return { met: key !== undefined && plain(old?.serial) === serial, seen: old?.serial ?? none };
    },
  },
  {
    is: {
      en: 'workshop/trusted says how many authorities were trusted in the middle of the rotation',
      tr: 'workshop/trusted, değişimin ortasında kaç otoriteye güvenildiğini söylüyor',
    },
    check: async (see) => {
      const answer = await see.key('workshop/trusted');
      return { met: answer?.value === '2', seen: answer?.value ?? none };
    },
  },
  {
    is: {
      en: 'every member shows a certificate of another authority',
      tr: 'her üye başka bir otoritenin sertifikasını gösteriyor',
    },
    check: async (see) => {
      const old = plain(await see.note('old-authority'));
      const stale = [];
      for (const { node } of await see.members()) {
        const served = await see.served(node);
        if (served === undefined || plain(served.authorityKeyId) === old) stale.push(node);
      }
      return {
        met: stale.length === 0,
        seen:
          stale.length === 0
            ? { en: 'all three do', tr: 'üçü de öyle' }
            : { en: `not ${stale.join(', ')}`, tr: `${stale.join(', ')} göstermiyor` },
      };
    },
  },
  {
    is: { en: 'no member accepts old.pem any more', tr: 'hiçbir üye artık old.pem kabul etmiyor' },
    check: async (see) => {
      const accepting = [];
      for (const { node } of await see.members()) {
        const { refused } = await see.handshake(node, { certificate: 'old.pem', key: 'old-key.pem' });
        if (!refused) accepting.push(node);
      }
      return {
        met: accepting.length === 0,
        seen: accepting.join(', ') || { en: 'all refuse it', tr: 'hepsi reddediyor' },
      };
    },
  },
  {
    is: { en: 'there is a key workshop/orders/2', tr: 'workshop/orders/2 anahtarı var' },
    check: async (see) => {
      const order = await see.key('workshop/orders/2');
      return { met: order !== undefined, seen: order?.value ?? none };
    },
  },
];
