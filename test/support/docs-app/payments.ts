/** Stands for the reader's own work in the examples of the documentation. */
export async function processPayment(_paymentId: number): Promise<void> {}
