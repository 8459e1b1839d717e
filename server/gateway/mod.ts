/** The v3 API as JSON over plain HTTP. */
export { createGateway, type GatewayOptions } from './gateway.ts';
