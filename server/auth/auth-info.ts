/** Who asks, as a request carries it through the log. */
export interface AuthInfo {
  readonly username: string;
  /** Of the auth store when the caller was recognised; a request that is applied after a change of it is refused. */
  readonly revision: number;
}

/** The user, and the role, that may do everything. */
export const rootName = 'root';
