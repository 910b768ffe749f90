import { Acknowledgements, type Measured } from './Acknowledgements.tsx'
import { AcksByNode } from './AcksByNode.tsx'
import { Slices } from './Slices.tsx'

/** Round trips over the time of sending: in slices, and each one by its receiver. */
export function OverTime({ of }: { of: Measured }) {
  const { experiment, figures, isFinal } = of
  const { series, transport } = figures
  return (
    <>
      <h3>Slices of the time of sending, over {transport}</h3>
      <Slices
        slices={series}
        transport={transport}
        isFinal={isFinal}
        file={`${experiment.id}-${transport}-slices`}
      />
      <h3>Each acknowledgement by its receiver</h3>
      <Acknowledgements of={of}>
        {(points) => <AcksByNode of={of} points={points} />}
      </Acknowledgements>
    </>
  )
}
