const deployments = ['payments', 'search', 'shop'].map((name) => `/registry/deployments/default/${name}`);
const hostPath = (manifest = '') => /^ *path: *["']?([^"'\s]+?)\/*["']?\s*$/m.exec(manifest)?.[1];

export default [
  {
    is: { en: 'there is a file now.db', tr: 'now.db adlı bir dosya var' },
    check: async (see) => {
      const files = await see.files();
      const isThere = files.includes('now.db');
      return { met: isThere, seen: isThere ? 'now.db' : { en: 'there is no now.db', tr: 'now.db yok' } };
    },
  },
  {
    is: {
      en: 'the manifest names another directory of the host, and that one holds a member',
      tr: 'manifest host üzerinde başka bir dizini gösteriyor ve orada bir üye var',
    },
    check: async (see) => {
      const place = hostPath(await see.file('manifests/etcd.yaml'));
      const files = await see.files();
      const isOf = (file) => file !== 'etcd-data/member/snap/db' && `${place}/member/snap/db`.endsWith(`/${file}`);
      const met = place !== undefined && files.some(isOf);
      return { met, seen: place ?? { en: 'there is no manifest', tr: 'manifest yok' } };
    },
  },
  {
    is: {
      en: 'the etcd of the static pod serves the three deployments of the snapshot',
      tr: "statik pod'daki etcd, snapshot'taki üç deployment'ı sunuyor",
    },
    check: async (see) => {
      const served = (await see.note('served'))?.split(/\s+/);
      const seen = served?.filter((key) => key.includes('/deployments/')) ?? [];
      return {
        met: seen.join() === deployments.join(),
        seen: seen.join(', ') || { en: 'it does not answer', tr: 'cevap vermiyor' },
      };
    },
  },
  {
    is: { en: 'image.txt says which image shop runs', tr: "image.txt, shop'un hangi image'ı çalıştırdığını söylüyor" },
    check: async (see) => {
      const answer = await see.file('image.txt');
      return {
        met: answer !== undefined && answer === (await see.note('image')),
        seen: answer?.slice(0, 100) ?? { en: 'there is no image.txt', tr: 'image.txt yok' },
      };
    },
  },
  {
    is: { en: 'the old directory is still there', tr: 'eski dizin hâlâ yerinde' },
    guard: true,
    check: async (see) => {
      const isThere = (await see.files()).includes('etcd-data/member/snap/db');
      return { met: isThere, seen: isThere ? 'etcd-data' : { en: 'it is gone', tr: 'silinmiş' } };
    },
  },
];
