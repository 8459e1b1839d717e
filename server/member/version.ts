/** The upstream release whose behaviour is this server's contract, as clients and peers see it. */
export const serverVersion = '3.5.30';
/** The oldest cluster version that this server can join (`X-Min-Cluster-Version`). */
export const minClusterVersion = '3.0.0';
