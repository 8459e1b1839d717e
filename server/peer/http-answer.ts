/** Short answers, as Go's net/http makes them. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** A text answer with an error status; the text gets a line end. */
export function answerError(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(`${text}\n`);
}

export function answerNotFound(response: ServerResponse): void {
  answerError(response, 404, '404 page not found');
}

export function answerJson(response: ServerResponse, json: string): void {
  response.setHeader('Content-Type', 'application/json');
  response.end(json);
}

/** @returns false when the method is another one, and 405 was answered */
export function allowMethod(request: IncomingMessage, response: ServerResponse, method: string): boolean {
  if (request.method === method) return true;
  response.setHeader('Allow', method);
  answerError(response, 405, 'Method Not Allowed');
  return false;
}

/** Answers, then closes the connection: the rest of a body that is not wanted is not read. */
export function answerAndClose(response: ServerResponse, status: number, text: string): void {
  response.setHeader('Connection', 'close');
  answerError(response, status, text);
}

/** The path of a request without its query. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] as string;
}
