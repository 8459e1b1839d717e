/** A reverse proxy in front of an HTTP server that a test lets fail at the request of its choice. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** `before`: the server never sees the request. `after`: it has answered, and the answer is lost. `silence`: no answer comes. */
export type HttpFault = 'before' | 'after' | 'silence';

export class HttpFaults {
  readonly port: number;
  /** Method and path of each request so far. */
  readonly requests: string[] = [];
  private readonly server: http.Server;
  private fault: { kind: HttpFault; from: number; to: number } | undefined;

  private constructor(server: http.Server, targetPort: number) {
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) =>
      this.pass(request, response, targetPort),
    );
  }

  static async listen(targetPort: number): Promise<HttpFaults> {
    const server = http.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new HttpFaults(server, targetPort);
  }

  /** From the request with that number on, counted from 0 and from now, so many requests meet the fault. */
  failFrom(kind: HttpFault, from: number, count = Number.POSITIVE_INFINITY): void {
    this.requests.length = 0;
    this.fault = { kind, from, to: from + count };
  }

  heal(): void {
    this.fault = undefined;
    this.requests.length = 0;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private pass(request: http.IncomingMessage, response: http.ServerResponse, port: number): void {
    const number = this.requests.push(`${request.method} ${request.url?.split('?')[0]}`) - 1;
    const { fault } = this;
    const kind = fault !== undefined && number >= fault.from && number < fault.to ? fault.kind : undefined;
    if (kind === 'silence') return;
    if (kind === 'before') return void request.socket.destroy();
    const { method, url: path, headers } = request;
    const onward = http.request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
      if (kind === 'after') {
        answer.resume();
        request.socket.destroy();
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(response);
    });
    onward.on('error', () => request.socket.destroy());
    request.pipe(onward);
  }
}
