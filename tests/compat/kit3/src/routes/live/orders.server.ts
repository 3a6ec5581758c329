export interface Order {
	id: number
	total: number
}

const orders: Order[] = [{ id: 1, total: 5 }]

export const add = (order: Order) => void orders.push(order)
export const loadOrders = async () => [...orders]

/** How many loops over the hub run; they must not outlive their pages. */
export const loops = { running: 0 }
