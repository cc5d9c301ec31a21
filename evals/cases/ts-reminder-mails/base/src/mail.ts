export interface Mailer {
  /** Rejects if the mail server does not take the message. */
  send(to: string, subject: string, text: string): Promise<void>;
}
